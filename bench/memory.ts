/**
 * `npm run bench -- memory`: resident memory of the whole product as it is started (a process of its own, embedded, with
 * the demo workspace): idle, and after 1 000 turns. Bar: 1 GB idle; aim: 700 MB.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from './lib/child.ts';
import { residentMb } from './lib/process-memory.ts';
import { SECRET, startProduct } from './lib/product.ts';
import { openReport, some } from './lib/report.ts';
import type { World } from './lib/world-process.ts';

const TURNS = some(1_000);

const profile = { name: 'embedded' as const, close: async (): Promise<void> => undefined };
const report = openReport(profile);
const world = await startChild<World>('world-process.ts');
const addresses = await world.ask('open', {});
const product = await startProduct(profile, ['api,worker'], {
  PARLEY_DEMO: '1',
  CHANNEL_TELEGRAM_API_URL: addresses.telegramUrl,
  OPENAI_BASE_URL: addresses.modelUrl,
});
try {
  const pid = product.processes[0]?.pid ?? 0;
  // The demo reads its guides first; idle is what comes after.
  for (let waited = 0; waited < 300; waited++) {
    const [base] = await product.call<{ id: string }[]>('GET', '/knowledge-bases');
    const path = `/knowledge-bases/${base?.id}/sources?status=`;
    const unfinished = await product.call<unknown[]>('GET', `${path}pending`);
    const reading = await product.call<unknown[]>('GET', `${path}processing`);
    if (unfinished.length + reading.length === 0) break;
    await pause(1_000);
  }
  await pause(10_000);
  report.figure('idle, demo read', residentMb(pid), 'MB', { bar: { atMost: 1_024 } });

  const { webhookUrl } = await product.telegramInbox(addresses);
  for (let chat = 0; chat < 10; chat++) {
    await world.ask('oneByOne', { webhookUrl, secret: SECRET, chat: 900 + chat, count: TURNS / 10 });
  }
  report.figure(`after ${TURNS} turns, at once`, residentMb(pid), 'MB');
  await pause(10_000);
  report.figure(`after ${TURNS} turns, 10 s later`, residentMb(pid), 'MB');
  await report.close();
} finally {
  await product.close();
  await world.stop();
}
