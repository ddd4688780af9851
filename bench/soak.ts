/**
 * `npm run bench -- soak [--minutes=15]`: turns at 60 % of what one worker process sustains, measured first in the same
 * run, minute by minute: memory of every process, time from the webhook to the reply, and what waits. Flat: the last
 * third beside the first.
 */
import { parseArgs } from 'node:util';
import { startChild } from './lib/child.ts';
import { SECRET, startProduct } from './lib/product.ts';
import { openProfile } from './lib/profile.ts';
import { isQuick, openReport, some } from './lib/report.ts';
import { startSampling } from './lib/soak-parts.ts';
import { mean } from './lib/stats.ts';
import type { World } from './lib/world-process.ts';

const SHARE = 0.6;
const CHATS = 400;
/** How much more the last third may have than the first. */
const MEMORY_MORE = 1.15;
const P50_MORE = 1.3;
const P99_MORE = 1.5;
const WAITING_MORE = 20;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '15' } },
  strict: false,
  allowPositionals: true,
});
const minutes = isQuick ? 3 : Math.max(3, Number(values.minutes));
const sliceSeconds = some(60);

const profile = await openProfile();
const report = openReport(profile);
const world = await startChild<World>('world-process.ts');
const addresses = await world.ask('open', {});
const product = await startProduct(profile, profile.name === 'cluster' ? ['api', 'worker'] : ['api,worker'], {
  CHANNEL_TELEGRAM_API_URL: addresses.telegramUrl,
  OPENAI_BASE_URL: addresses.modelUrl,
});
try {
  const webhookUrls = await product.telegramInboxes(addresses, 12);
  const door = { webhookUrls, secret: SECRET, firstChat: 10_000 };
  const capacity = await world.ask('flood', { ...door, chats: 100, warmSeconds: some(10), seconds: some(30) });
  const rate = capacity.perSecond * SHARE;
  report.figure('turns sustained before', capacity.perSecond, '/s');
  report.figure(`turns asked for, ${SHARE * 100} % of it, for ${(minutes * sliceSeconds) / 60} minutes`, rate, '/s');

  const slices: { memory: number[]; waiting: number; p50: number; p99: number }[] = [];
  let lost = 0;
  let late = 0;
  const names = product.processes.map((process) => process.roles);
  const header = ['minute', 'turns', 'p50 ms', 'p99 ms', 'waiting', ...names.map((name) => `${name} MB`)];
  const rows: string[][] = [];
  for (let slice = 1; slice <= minutes; slice++) {
    const sampling = startSampling(profile, product);
    const turns = await world.ask('steady', { ...door, chats: CHATS, rate, seconds: sliceSeconds });
    const { memory, waiting } = await sampling.stop();
    slices.push({ memory, waiting, p50: turns.p50, p99: turns.p99 });
    lost += turns.failed + turns.unanswered;
    late += turns.late;
    const row = [String(slice), String(turns.count), turns.p50.toFixed(1), turns.p99.toFixed(1), waiting.toFixed(1)];
    rows.push([...row, ...memory.map((each) => each.toFixed(0))]);
    process.stdout.write(
      `  ${rows
        .at(-1)
        ?.map((cell, at) => `${header[at]} ${cell}`)
        .join(', ')}\n`,
    );
  }
  report.table('Minute by minute', header, rows);

  const third = Math.floor(slices.length / 3);
  const [first, last] = [slices.slice(0, third), slices.slice(-third)];
  const grown = (pick: (slice: (typeof slices)[number]) => number): number =>
    mean(last.map(pick)) / Math.max(0.001, mean(first.map(pick)));
  for (const [index, name] of names.entries()) {
    report.figure(
      `memory of ${name}, last third / first third`,
      grown(({ memory }) => memory[index] ?? 0),
      '×',
      {
        bar: { atMost: MEMORY_MORE },
      },
    );
  }
  report.figure(
    'p50, last third / first third',
    grown(({ p50 }) => p50),
    '×',
    { bar: { atMost: P50_MORE } },
  );
  report.figure(
    'p99, last third / first third',
    grown(({ p99 }) => p99),
    '×',
    { bar: { atMost: P99_MORE } },
  );
  const more = mean(last.map(({ waiting }) => waiting)) - mean(first.map(({ waiting }) => waiting));
  report.figure('waiting on average, last third more than first', more, '', { bar: { atMost: WAITING_MORE } });
  report.figure('questions without an answer', lost, '', { bar: { atMost: 0 } });
  report.figure('questions not asked, since every customer still waited', late, '', { bar: { atMost: 0 } });
  await report.close();
} finally {
  await product.close();
  await world.stop();
  await profile.close();
}
