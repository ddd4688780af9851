import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bot, Inbox } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { startTestApp, connect, until } from './test/app.ts';
import type { TestApp } from './test/app.ts';
import { startTelegramDouble } from './test/doubles/telegram.ts';
import type { TelegramDouble } from './test/doubles/telegram.ts';
import { makeBot, openTelegram, textUpdate, visit } from './test/talk.ts';
import type { Chat, Visit } from './test/talk.ts';

/** The product under a pressure that is fed in by its one argument; everything behind it is real. */
describe('under pressure', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let bot: Bot;
  let chat: Chat;
  let site: Inbox;
  let visitor: Visit;
  let pressure = 0;

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp(
      { CHANNEL_TELEGRAM_API_URL: telegram.url },
      { signals: [{ name: 'fed', limits: [1, 2, 3, 4], read: () => pressure }] },
    );
    bot = await makeBot(test, { name: 'Bot' });
    chat = await openTelegram(test, telegram, bot.id);
    site = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    visitor = await visit(test.url, site);
  });
  after(async () => {
    visitor?.socket.close();
    await test?.close();
    await telegram?.close();
  });

  const health = async () =>
    (await (await fetch(`${test.url}/health`)).json()) as { status: string; pressure: { refused: string[] } };
  const press = async (to: number): Promise<void> => {
    pressure = to;
    await until(async () => (await health()).pressure.refused.length === to, `level ${to}`);
  };
  const ask = () => test.owner('POST', `/bots/${bot.id}/ask`, { question: 'What is Parley?' });
  const rest = () => test.owner('GET', '/bots');
  const make = (name: string) => test.owner('POST', '/bots', { name });
  const widget = () => test.anonymous('GET', `/widget/${site.token}`);
  const say = (clientId: string) => visitor.say(`said ${clientId}`, clientId);
  const webhook = (update: number) => chat.post(textUpdate(update, 7, `update ${update}`));
  const stored = async (): Promise<string[]> => {
    const { rows } = await test.app.store.asSystem((tx) =>
      tx.execute<{ id: string }>(sql`select id::text from inbound_events order by seq`),
    );
    return rows.map(({ id }) => id);
  };

  /** what each of them gets: a status, or the code of an acknowledgement */
  async function outcomes(mark: string, update: number): Promise<unknown[]> {
    const said = await say(mark);
    return [
      (await ask()).status,
      (await rest()).status,
      (await widget()).status,
      said.success ? 'ok' : said.error.code,
      await webhook(update),
    ];
  }

  it('takes everything while there is none', async () => {
    assert.equal((await health()).status, 'up');
    assert.deepEqual(await outcomes('calm', 1), [200, 200, 200, 'ok', 200]);
  });

  it('refuses what costs most first, and what platforms bring last', async () => {
    await press(1);
    assert.equal((await health()).status, 'degraded');
    assert.deepEqual(await outcomes('one', 2), [503, 200, 200, 'ok', 200]);
    await press(2);
    assert.deepEqual(await outcomes('two', 3), [503, 503, 200, 'ok', 200]);
    await press(3);
    assert.deepEqual(await outcomes('three', 4), [503, 503, 503, 'unavailable', 200]);
    await press(4);
    assert.deepEqual(await outcomes('four', 5), [503, 503, 503, 'unavailable', 503]);
  });

  it('says when to come back, in the envelope, and keeps probes and pages open', async () => {
    const refused = await rest();
    assert.equal(refused.error?.code, 'unavailable');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    for (const path of ['/health/live', '/health/ready', '/metrics', '/openapi.json'])
      assert.equal((await fetch(test.url + path)).status, 200, path);
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    assert.match(metrics, /^parley_pressure_level 4$/m);
    assert.match(metrics, /^parley_work_refused_total\{kind="webhooks"\} 1$/m);
  });

  it('lets nobody new in', async () => {
    await assert.rejects(connect(test.url, { inbox: site.token }), /very busy/);
    await assert.rejects(connect(test.url, { token: test.ownerToken }), /very busy/);
  });

  it('stores nothing of what it refused, and takes it when it is sent again', async () => {
    const before = await stored();
    const name = 'Made under pressure';
    assert.equal((await make(name)).status, 503);
    assert.equal(await webhook(6), 503);
    assert.equal((await say('five')).success, false);
    assert.deepEqual(await stored(), before);
    await press(0);
    const { data: bots } = await test.owner<Bot[]>('GET', '/bots');
    assert.ok(!bots.some((one) => one.name === name));
    assert.equal(await webhook(6), 200);
    assert.ok((await say('five')).success);
    assert.equal((await make(name)).status, 201);
    const added = (await stored()).slice(before.length);
    assert.equal(added.length, 2);
    const messages = await until(async () => {
      const seen = await chat.messages(7);
      return seen.some(({ text }) => text === 'update 6') && seen;
    }, 'the update that was sent again is a message');
    const texts = messages.filter(({ author }) => author.type === 'contact').map(({ text }) => text);
    // The fifth was refused and never sent again.
    assert.deepEqual(texts, ['update 1', 'update 2', 'update 3', 'update 4', 'update 6']);
  });
});

if (process.env.TEST_DATABASE_URL)
  describe('a real line at the database', () => {
    it('is refused before it grows, and over when the database is free', async (context) => {
      const test = await startTestApp({ PARLEY_DATABASE_POOL: '2' });
      context.after(() => test.close());
      const state = async () => {
        const answer = await fetch(`${test.url}/api/v1/auth/setup-state`);
        await answer.arrayBuffer();
        return answer.status;
      };
      assert.equal(await state(), 200);
      const busy = [1, 2].map(() => test.app.store.asSystem((tx) => tx.execute(sql`select pg_sleep(6)`)));
      // Whoever came before it was seen stands in the line to its end; whoever comes now is told at once.
      const early = state();
      await until(async () => (await Promise.race([state(), wait(300)])) === 503, 'newcomers are refused');
      await Promise.all(busy);
      assert.equal(await early, 200);
      await until(async () => (await state()) === 200, 'they are taken again');
    });
  });
