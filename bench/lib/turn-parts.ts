/** The parts of the `turn` benchmark that look inside: what a burst cost, and what a turn asks of the database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createApp } from '../../server/src/app.ts';
import { openDatabase } from '../../server/src/platform/data/index.ts';
import { readConfig } from '../../server/src/settings.ts';
import { createLogger } from '../../server/src/platform/telemetry/log.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { clusterSettings, createCaller, makeTelegramInbox, owner, SECRET } from './product.ts';
import type { Product } from './product.ts';
import type { Profile } from './profile.ts';
import type { Report } from './report.ts';
import { summarise } from './stats.ts';
import type { Summary } from './stats.ts';
import type { World } from './world-process.ts';

type Message = { seq: number; text: string; author: { type: string } };
const MESSAGES = 100;

async function messagesOf(product: Product, conversationId: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const path = `/conversations/${conversationId}/messages?after=${all.at(-1)?.seq ?? 0}&limit=100`;
    const page = await product.call<Message[]>('GET', path);
    all.push(...page);
    if (page.length < 100) return all;
  }
}

/**
 * 100 messages at once to one conversation: stored once each and in order, and no time lost between the processes. Their
 * processing is the sum of what was worked for them by the clock of the database: every turn from its start to its end,
 * and every delivery from its making to its end. The total runs from the first webhook's first byte to the last reply at
 * the platform, so storing the messages counts as time lost. Messages that wait together are answered together; how long
 * they would take one by one stands beside it.
 */
export async function burst(parts: {
  profile: Profile;
  product: Product;
  world: Child<World>;
  door: { webhookUrl: string; secret: string };
  report: Report;
  workers: number;
  aloneMs: number;
}): Promise<void> {
  const { profile, product, world, door, report, workers, aloneMs } = parts;
  const chat = 503;
  const { replies, milliseconds } = await world.ask('burst', { ...door, chat, count: MESSAGES });
  const [newest] = await product.call<{ id: string }[]>('GET', '/conversations?limit=1');
  const all = (await messagesOf(product, newest?.id ?? '')).slice(-(MESSAGES + replies));
  const asked = all.filter((message) => message.author.type === 'contact' && message.text.startsWith('Message '));
  const inOrder = all.every((message, index) => index === 0 || message.seq === (all[index - 1]?.seq ?? 0) + 1);
  const different = new Set(asked.map((message) => message.text)).size;
  report.figure(
    `${MESSAGES} messages at once to one conversation, ${workers} worker(s): stored once, none missing between`,
    inOrder ? different : 0,
    '',
    { bar: { atLeast: MESSAGES } },
  );
  report.figure('  until the last reply', milliseconds, 'ms', { note: `${replies} replies` });
  report.figure('  that time / as many turns one by one', milliseconds / (MESSAGES * aloneMs), '×');
  if (profile.name !== 'cluster') return;
  const disorder = await profile.client.query<{ count: number }>(
    `select count(*)::int as count from (
       select e.seq, lag(e.seq) over (order by m.seq) as before from messages m join inbound_events e on e.id = m.id
       where m.conversation_id = $1) as each where seq < before`,
    [newest?.id],
  );
  report.figure('  messages not in the order they were stored in', disorder.rows[0]?.count ?? 0, '', {
    bar: { atMost: 0 },
  });
  const { rows } = await profile.client.query<{ worked: string }>(
    `select coalesce(sum(extract(epoch from finished_at - started_at)), 0) * 1000
       + coalesce((select sum(extract(epoch from d.finished_at - d.created_at)) * 1000 from deliveries d
         where d.conversation_id = $1), 0) as worked
     from turns where conversation_id = $1`,
    [newest?.id],
  );
  const worked = Number(rows[0]?.worked);
  report.figure('  turns and deliveries of it, summed', worked, 'ms');
  report.figure('  until the last reply / that sum', milliseconds / worked, '×', { bar: { atMost: 1.3 } });
}

/** One row in a table of a fresh embedded database, through the driver the product uses; `pauseMs` between two of them. */
export async function embeddedInsert(count: number, pauseMs: number): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const config = readConfig({ DATA_DIR: folder });
  const database = await openDatabase(config, createLogger({ level: 'fatal' }));
  try {
    await database.asOwner((client) =>
      client.query('create table bench_bare (id int, text text); grant insert on bench_bare to parley_app'),
    );
    const durations: number[] = [];
    for (let index = -200; index < count; index++) {
      const started = performance.now();
      await database.pool.query({
        name: 'bare',
        text: 'insert into bench_bare (id, text) values ($1, $2)',
        values: [index, 'one bare row'],
      });
      if (index < 0) continue;
      durations.push(performance.now() - started);
      if (pauseMs > 0) await pause(pauseMs);
    }
    return summarise(durations);
  } finally {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Counted by the product's own store, in this process, with all roles in it: every statement that left it, over 300 turns. */
export async function statementsPerTurn(profile: Profile): Promise<number> {
  const count = 300;
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const world = await startChild<World>('world-process.ts');
  const addresses = await world.ask('open', {});
  const config = readConfig({
    DATA_DIR: folder,
    PORT: '0',
    LOG_LEVEL: 'fatal',
    PARLEY_DEMO: '0',
    PARLEY_OWNER_EMAIL: owner.email,
    PARLEY_OWNER_PASSWORD: owner.password,
    OPENAI_API_KEY: 'bench',
    CHANNEL_TELEGRAM_API_URL: addresses.telegramUrl,
    OPENAI_BASE_URL: addresses.modelUrl,
    ...(profile.name === 'cluster' ? clusterSettings(profile) : {}),
  });
  const app = await createApp(config, createLogger(config.log));
  const { address } = await app.start();
  try {
    const { call, signIn } = createCaller(address);
    await signIn();
    const { webhookUrl } = await makeTelegramInbox(call, address, addresses.token);
    const door = { webhookUrl, secret: SECRET };
    await world.ask('oneByOne', { ...door, chat: 700, count: 50 });
    await pause(500);
    const before = app.store.statementCount();
    await world.ask('oneByOne', { ...door, chat: 700, count });
    await pause(500);
    return (app.store.statementCount() - before) / count;
  } finally {
    await app.close();
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
