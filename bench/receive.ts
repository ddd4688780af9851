/**
 * `npm run bench -- receive`: a Telegram webhook verified, deduplicated and committed under row-level security before its
 * 200, as a ratio to a bare Fastify route that checks the same secret and does one INSERT; both in this process, on the
 * same database, asked by the same load.
 */
import { timingSafeEqual } from 'node:crypto';
import autocannon from 'autocannon';
import fastify from 'fastify';
import { SECRET, startBenchApp } from './lib/app.ts';
import { line } from './lib/stats.ts';

const SECONDS = 8;
const CONNECTIONS = 32;
const ROUNDS = 2;

type Load = { perSecond: number; p50: number; p99: number };

let updateId = 1;
const nextUpdate = (): string => {
  const id = updateId++;
  // Every customer writes once: what is measured is receiving, not answering.
  const chat = 1_000_000 + id;
  return JSON.stringify({
    update_id: id,
    message: {
      message_id: id,
      date: 1_700_000_000,
      chat: { id: chat, type: 'private', first_name: 'Load' },
      from: { id: chat, is_bot: false, first_name: 'Load' },
      text: 'How long does a refund take?',
    },
  });
};

async function load(url: string, seconds: number): Promise<Load> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET },
        setupRequest: (request) => ({ ...request, body: nextUpdate() }),
      },
    ],
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} failed`);
  return { perSecond: result.requests.average, p50: result.latency.p50, p99: result.latency.p99 };
}

// The workers are off: answering would take the same processor from what is measured.
const bench = await startBenchApp({ PARLEY_ROLES: 'api', CHANNEL_TELEGRAM_API_URL: 'http://127.0.0.1:9' });
const bare = fastify();
try {
  await bench.app.database.asOwner((client) =>
    client.query('create table bench_bare (id text primary key, body text); grant insert on bench_bare to parley_app'),
  );
  const secret = Buffer.from(SECRET);
  bare.post('/', async (request, reply) => {
    const given = Buffer.from(String(request.headers['x-telegram-bot-api-secret-token'] ?? ''));
    if (given.length !== secret.length || !timingSafeEqual(given, secret)) return reply.status(401).send();
    const body = request.body as { update_id: number };
    await bench.app.database.pool.query('insert into bench_bare (id, body) values ($1, $2)', [
      String(body.update_id),
      JSON.stringify(body),
    ]);
    return { ok: true };
  });
  const bareUrl = await bare.listen({ port: 0, host: '127.0.0.1' });
  const bot = await bench.call<{ id: string }>('POST', '/bots', { name: 'Bench' });
  const webhookUrl = await bench.plainTelegramInbox(bot.id);

  await load(bareUrl, 2);
  await load(webhookUrl, 2);
  const rounds: { bare: Load; product: Load }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ bare: await load(bareUrl, SECONDS), product: await load(webhookUrl, SECONDS) });
  }
  const mean = (pick: (round: (typeof rounds)[number]) => number): number =>
    rounds.reduce((sum, round) => sum + pick(round), 0) / rounds.length;
  const bareRate = mean((round) => round.bare.perSecond);
  const productRate = mean((round) => round.product.perSecond);
  line('bare route, one INSERT', `${bareRate.toFixed(0)}/s, p99 ${mean((round) => round.bare.p99).toFixed(1)} ms`);
  line(
    'webhook → committed → 200',
    `${productRate.toFixed(0)}/s, p99 ${mean((round) => round.product.p99).toFixed(1)} ms`,
  );
  line('ratio (embedded, bar: 0.5)', (productRate / bareRate).toFixed(2));
} finally {
  await bare.close();
  await bench.close();
}
