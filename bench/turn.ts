/**
 * `npm run bench -- turn`: one turn on Telegram, from the webhook's first byte to the reply at Telegram's API, with a
 * model that answers at once; beside one bare INSERT on the same database in the same run. Then 100 messages at once to
 * one conversation.
 */
import { SECRET, startBenchApp, timeBareInsert } from './lib/app.ts';
import { startPeer } from './lib/peer.ts';
import { line, ms, summarise } from './lib/stats.ts';

const WARM = 100;
const TURNS = 400;

const peer = await startPeer();
const bench = await startBenchApp({
  CHANNEL_TELEGRAM_API_URL: peer.telegramUrl,
  OPENAI_BASE_URL: peer.modelUrl,
  OPENAI_API_KEY: 'bench',
});
try {
  await bench.app.database.asOwner((client) =>
    client.query('create table bench_bare (id int, text text); grant insert on bench_bare to parley_app'),
  );
  const { webhookUrl } = await bench.telegramInbox(peer.telegramToken, { name: 'Instant', model: 'openai/instant' });
  const order = { webhookUrl, secret: SECRET };

  await timeBareInsert(bench.app.database.pool, 500);
  await peer.order({ kind: 'turns', ...order, chat: 500, count: WARM, firstId: 1 });

  const before = bench.app.store.statementCount();
  const { durations } = await peer.order({ kind: 'turns', ...order, chat: 501, count: TURNS, firstId: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const statements = (bench.app.store.statementCount() - before) / TURNS;
  const bare = summarise(await timeBareInsert(bench.app.database.pool, 1_000));
  const turn = summarise(durations);
  line('one turn, webhook to delivered, p50', ms(turn.p50));
  line('one turn, webhook to delivered, p99', ms(turn.p99));
  line('statements per turn', statements.toFixed(1));
  line('one bare INSERT, p50', ms(bare.p50));
  line('turn p50 / bare INSERT p50 (bar: 20)', (turn.p50 / bare.p50).toFixed(1));

  const count = 100;
  const burst = await peer.order({ kind: 'burst', ...order, chat: 502, count, firstId: 50_000 });
  const conversations = await bench.call<{ id: string; contact: { name: string }; lastSeq: number }[]>(
    'GET',
    '/conversations?limit=5',
  );
  const newest = conversations[0];
  if (!newest) throw new Error('no conversation of the burst');
  const messages = await bench.call<{ seq: number; text: string; author: { type: string } }[]>(
    'GET',
    `/conversations/${newest.id}/messages?after=0&limit=100`,
  );
  const more = await bench.call<typeof messages>(
    'GET',
    `/conversations/${newest.id}/messages?after=${messages.at(-1)?.seq ?? 0}&limit=100`,
  );
  const all = [...messages, ...more];
  const asked = all.filter((message) => message.author.type === 'contact');
  const inOrder = all.every((message, index) => message.seq === index + 1);
  line(
    '100 at once to one conversation',
    `${asked.length} stored, ${new Set(asked.map((message) => message.text)).size} different, in order: ${inOrder}`,
  );
  line(
    '  answered in turns / delivered',
    `${all.filter((message) => message.author.type === 'bot').length} / ${burst.texts.length}`,
  );
  line('  until the last reply', ms(burst.milliseconds));
  if (asked.length !== count || !inOrder) process.exitCode = 1;
} finally {
  await bench.close();
  await peer.stop();
}
