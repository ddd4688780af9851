/**
 * `npm run bench -- receive`: a Telegram webhook verified (its secret header), deduplicated and committed under
 * row-level security before its 200; as a ratio to a bare Fastify route that checks an HMAC-SHA256 of the body and does
 * one INSERT. The product, the bare route and the load have a process each; both routes are asked in turns, on the same
 * server, by the same requests.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './lib/child.ts';
import type { BareRoute } from './lib/bare-route-process.ts';
import type { Load } from './lib/load-process.ts';
import { SECRET, startProduct } from './lib/product.ts';
import { openProfile } from './lib/profile.ts';
import { openReport, some } from './lib/report.ts';
import { median, summarise } from './lib/stats.ts';
import type { World } from './lib/world-process.ts';

const SECONDS = some(8);
const CONNECTIONS = 64;
const ROUNDS = some(5);
const RATE = 500;
const STEADY_SECONDS = some(10);
const STEADY_ROUNDS = some(3);

const profile = await openProfile();
const report = openReport(profile);
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const world = await startChild<World>('world-process.ts');
const addresses = await world.ask('open', {});
// The workers are off: answering would take the same processor from what is measured.
const product = await startProduct(profile, ['api'], { CHANNEL_TELEGRAM_API_URL: addresses.telegramUrl });
const bare = await startChild<BareRoute>('bare-route-process.ts');
const load = await startChild<Load>('load-process.ts');
try {
  const bareUrl = await bare.ask('listen', {
    databaseUrl: profile.name === 'cluster' ? profile.databaseUrl : undefined,
    folder: join(folder, 'bare'),
    secret: SECRET,
  });
  const { webhookUrl } = await product.telegramInbox(addresses);
  const routes = { bare: { url: bareUrl, secret: SECRET }, product: { url: webhookUrl, secret: SECRET } };
  const flood = (name: keyof typeof routes, seconds: number) =>
    load.ask('flood', { ...routes[name], seconds, connections: CONNECTIONS });

  for (const name of ['bare', 'product'] as const) await flood(name, some(3));
  const rates = { bare: [] as number[], product: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    // Each goes first in turn.
    const order = round % 2 ? (['product', 'bare'] as const) : (['bare', 'product'] as const);
    for (const name of order) rates[name].push((await flood(name, SECONDS)).perSecond);
  }
  const ratios = rates.product.map((rate, round) => rate / (rates.bare[round] ?? rate));
  report.figure(`bare route with HMAC and one INSERT, ${CONNECTIONS} connections`, median(rates.bare), '/s');
  report.figure('webhook verified, stored, committed, answered', median(rates.product), '/s');
  report.figure('throughput, product / bare (median of the rounds)', median(ratios), '×', {
    bar: { atLeast: profile.name === 'cluster' ? 1 : 0.5 },
    note: `rounds ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
  });

  const steady = { bare: [] as number[], product: [] as number[] };
  for (let round = 0; round < STEADY_ROUNDS; round++) {
    for (const name of ['bare', 'product'] as const) {
      const { durations } = await load.ask('steady', { ...routes[name], seconds: STEADY_SECONDS, rate: RATE });
      steady[name].push(...durations);
    }
  }
  const [plain, ours] = [summarise(steady.bare), summarise(steady.product)];
  report.figure(`bare route at ${RATE}/s, p50`, plain.p50, 'ms');
  report.figure(`bare route at ${RATE}/s, p99`, plain.p99, 'ms');
  report.figure(`product at ${RATE}/s, p50`, ours.p50, 'ms');
  report.figure(`product at ${RATE}/s, p99`, ours.p99, 'ms');
  report.figure(`p99 at ${RATE}/s, product / bare`, ours.p99 / plain.p99, '×', {
    ...(profile.name === 'cluster' ? { bar: { atMost: 1.5 } } : {}),
  });
  await report.close();
} finally {
  await product.close();
  for (const child of [bare, load, world]) await child.stop();
  rmSync(folder, { recursive: true, force: true });
  await profile.close();
}
