/**
 * `npm run bench -- turn`: a turn on Telegram, from the webhook's first byte to the reply at Telegram's API, with a model
 * that answers at once: alone, beside one bare committed INSERT of the same run in the same rhythm; as many as one worker takes (cluster);
 * and 100 messages at once to one conversation. Customers, platform and model are a process of their own.
 */
import { startChild } from './lib/child.ts';
import { TURN_PAUSE_MS } from './lib/customers.ts';
import { floodBareInserts, timeBareInsert } from './lib/bare-insert.ts';
import { burst, embeddedInsert, statementsPerTurn } from './lib/turn-parts.ts';
import { processorMs } from './lib/process-memory.ts';
import { SECRET, startProduct } from './lib/product.ts';
import { openProfile } from './lib/profile.ts';
import { openReport, some } from './lib/report.ts';
import type { World } from './lib/world-process.ts';

const TURNS = some(400);
/** until the processor's time of a turn no longer falls */
const WARM = some(1_000);
const CHATS = 100;
const INBOXES = 12;
const SECONDS = some(20);

const profile = await openProfile();
const report = openReport(profile);
const isCluster = profile.name === 'cluster';
const world = await startChild<World>('world-process.ts');
const addresses = await world.ask('open', {});
const env = { CHANNEL_TELEGRAM_API_URL: addresses.telegramUrl, OPENAI_BASE_URL: addresses.modelUrl };
const product = await startProduct(profile, isCluster ? ['api', 'worker'] : ['api,worker'], env);
try {
  const { webhookUrl } = await product.telegramInbox(addresses);
  const door = { webhookUrl, secret: SECRET };

  await world.ask('oneByOne', { ...door, chat: 500, count: WARM });
  const insert = (count: number, pauseMs: number) =>
    isCluster ? timeBareInsert(profile.databaseUrl, count, pauseMs) : embeddedInsert(count, pauseMs);
  const turn = await world.ask('oneByOne', { ...door, chat: 501, count: TURNS });
  const bare = await insert(TURNS, TURN_PAUSE_MS);
  const again = await world.ask('oneByOne', { ...door, chat: 502, count: TURNS });
  const row = await insert(2_000, 0);
  const p50 = (turn.p50 + again.p50) / 2;
  report.figure(`one bare committed INSERT, ${TURN_PAUSE_MS} ms after the last, p50`, bare.p50, 'ms');
  report.figure(`one bare committed INSERT, ${TURN_PAUSE_MS} ms after the last, p99`, bare.p99, 'ms');
  report.figure(`one turn alone, ${TURN_PAUSE_MS} ms after the last, webhook to delivered, p50`, p50, 'ms');
  report.figure('  p99', Math.max(turn.p99, again.p99), 'ms');
  report.figure('one turn p50 / bare INSERT p50', p50 / bare.p50, '×', { bar: { atMost: isCluster ? 12 : 20 } });
  report.figure('bare committed INSERTs one after the other without a pause, p50', row.p50, 'ms');
  report.figure('  one turn p50 / that', p50 / row.p50, '×');

  const webhookUrls = await product.telegramInboxes(addresses, INBOXES);
  const order = {
    webhookUrls,
    secret: SECRET,
    firstChat: 10_000,
    chats: CHATS,
    warmSeconds: some(5),
    seconds: SECONDS,
  };
  const usedBefore = product.processes.map(({ pid }) => processorMs(pid));
  const flood = await world.ask('flood', order);
  const used = product.processes.map(({ pid }, index) => processorMs(pid) - (usedBefore[index] ?? 0));
  if (isCluster) {
    const inserts = await floodBareInserts(profile.databaseUrl, 8);
    report.figure('bare INSERTs, 20 connections', inserts, '/s');
    report.figure('turns sustained, one worker process', flood.perSecond, '/s', { bar: { atLeast: 400 } });
    report.figure('bare INSERTs per turn at full load', inserts / flood.perSecond, '×');
  } else {
    report.figure('turns sustained, one process', flood.perSecond, '/s');
  }
  report.figure(`  a turn of ${CHATS} conversations at once, p50`, flood.p50, 'ms');
  report.figure(`  a turn of ${CHATS} conversations at once, p99`, flood.p99, 'ms');

  for (const [index, { roles }] of product.processes.entries()) {
    report.figure(`  processor time of ${roles} per turn`, (used[index] ?? 0) / flood.all, 'ms');
  }

  if (isCluster) for (let more = 0; more < 2; more++) await product.start('worker', { ...env });
  await burst({ profile, product, world, door, report, workers: isCluster ? 3 : 1, aloneMs: p50 });
} finally {
  await product.close();
  await world.stop();
}
try {
  report.figure('statements per turn', await statementsPerTurn(profile), '', { bar: { atMost: 12 } });
  await report.close();
} finally {
  await profile.close();
}
