import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Inbox, Message, SessionCreated } from '@parley/contract';
import { connect, createCall, OWNER, until } from './test/app.ts';
import type { Call } from './test/app.ts';
import { clusterServers, startCluster } from './test/cluster.ts';
import type { Cluster } from './test/cluster.ts';
import type { ModelDouble } from './test/doubles/model-script.ts';
import { startOpenAiDouble } from './test/doubles/openai.ts';
import { startTelegramDouble } from './test/doubles/telegram.ts';
import type { TelegramDouble } from './test/doubles/telegram.ts';
import { stays } from './test/stays.ts';
import { startProxy } from './test/proxy.ts';
import type { Proxy } from './test/proxy.ts';
import {
  assertGapless,
  gate,
  history,
  makeBot,
  openTelegram,
  ownerOf,
  saidBy,
  says,
  saysInSteps,
  visit,
} from './test/talk.ts';
import type { Chat, Running } from './test/talk.ts';

const PARAGRAPHS = [
  'The first paragraph is about the parcel.',
  'The second paragraph is about the refund.',
  'The third paragraph is about the voucher.',
];

/** Two apis and two workers, real processes on real servers: nobody outside notices that they are four. */
if (clusterServers) {
  const servers = clusterServers;
  describe('several processes', () => {
    let cluster: Cluster;
    let redis: Proxy;
    let telegram: TelegramDouble;
    let model: ModelDouble;
    let first: Running;
    let second: Running;
    let bot: Bot;
    let web: Inbox;
    let chat: Chat;
    let token: string;

    before(async () => {
      [telegram, model] = await Promise.all([startTelegramDouble(), startOpenAiDouble()]);
      redis = await startProxy(servers.redisUrl);
      cluster = await startCluster(
        { ...servers, redisUrl: redis.url },
        { apis: 2, workers: 2 },
        { CHANNEL_TELEGRAM_API_URL: telegram.url, OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'key' },
      );
      const [one, two] = cluster.apis;
      assert.ok(one && two);
      const login = await createCall(() => two.url)<{ accessToken: string }>('POST', '/auth/login', OWNER);
      assert.equal(login.status, 200, JSON.stringify(login.error));
      token = login.data.accessToken;
      const owner: Call = await ownerOf(one.url, OWNER);
      first = { url: one.url, owner };
      second = { url: two.url, owner: createCall(() => two.url, token) };
      bot = await makeBot(first, { name: 'Robin', model: 'openai/gpt-double', greeting: 'Hello!' });
      chat = await openTelegram(first, telegram, bot.id);
      web = (await second.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    });
    after(async () => {
      await cluster?.close();
      await Promise.all([telegram?.close(), model?.close(), redis?.close()]);
    });

    it('started at once on an empty database, they made one owner and one workspace', async () => {
      const [count] = await cluster.query<{ users: number; workspaces: number }>(
        'select (select count(*)::int from users) as users, (select count(*)::int from workspaces) as workspaces',
      );
      assert.deepEqual(count, { users: 1, workspaces: 1 });
    });

    it('a visitor at one api, an agent at the other, the answer from a worker', async (t) => {
      model.otherwise(says('Five working days.'));
      const agent = await connect(second.url, { token });
      const visitor = await visit(first.url, web, 'Maria');
      const asked = performance.now();
      await visitor.say('How long does a refund take?', 'c1');
      await visitor.socket.wait('message:received', ({ text }) => text === 'Five working days.');
      t.diagnostic(`web: asked to answered ${Math.round(performance.now() - asked)} ms`);

      await visitor.say('I want to talk to a human', 'c2');
      await visitor.socket.wait('status:changed', ({ status }) => status === 'waiting');
      const { conversationId } = visitor;
      await agent.wait('queue:update', ({ handoffs }) => handoffs.some((one) => one.conversationId === conversationId));
      assert.ok((await agent.call('agent:pickup_session', { conversationId })).success);
      await visitor.socket.wait('session:assigned');
      await agent.call('agent:send_message', { conversationId, text: 'Here I am.', clientId: 'a1' });
      await visitor.socket.wait('message:received', ({ text }) => text === 'Here I am.');
      const messages = await history(first, conversationId);
      assertGapless(messages);
      assert.equal(visitor.socket.seen('message:received').filter(({ text }) => text === 'Here I am.').length, 1);
      visitor.socket.close();
      agent.close();
    });

    it('a Telegram message taken in by an api is answered by a worker, without waiting for the sweeper', async (t) => {
      model.otherwise(says('Five working days.'));
      const times: number[] = [];
      for (let n = 1; n <= 10; n += 1) {
        const asked = performance.now();
        await chat.say(n, 'How long does a refund take?');
        await until(async () => chat.heard(n).length > 0, 'the customer hears the answer');
        times.push(Math.round(performance.now() - asked));
        assert.deepEqual(chat.heard(n), ['Five working days.']);
      }
      t.diagnostic(`telegram: asked to answered ${times.join(', ')} ms`);
      // The sweeper takes what is older than a second.
      const [late] = await cluster.query<{ count: number; all: number }>(
        `select count(*)::int as all, count(*) filter (where processed_at - received_at > interval '1 second')::int as count
         from inbound_events`,
      );
      assert.ok(late && late.count < late.all / 2, `${late?.count} of ${late?.all} were left to the sweeper`);
    });

    it('a change at one api is known to the other and to the workers at once', async () => {
      const before = await visit(second.url, web, 'Before');
      before.socket.close();
      model.otherwise(says('unused'));
      await first.owner('PATCH', `/bots/${bot.id}`, { greeting: 'Good morning!' });
      const greeting = await until(async () => {
        const socket = await connect(second.url, { inbox: web.token });
        const began = await socket.call<SessionCreated>('customer:start_chat', { name: 'After' });
        socket.close();
        return began.success && began.data.greeting === 'Good morning!' && began.data.greeting;
      }, 'the new greeting');
      assert.equal(greeting, 'Good morning!');
    });

    it('a human takes over at one api while a worker speaks: the bot stops', async () => {
      const never = gate();
      model.otherwise(saysInSteps(PARAGRAPHS, [undefined, never.opened]));
      const visitor = await visit(first.url, web, 'Taken');
      await visitor.say('tell me everything', 'c1');
      await visitor.socket.wait('message:received', ({ text }) => text === PARAGRAPHS[1]);
      const taken = await second.owner('POST', `/conversations/${visitor.conversationId}/take-over`);
      assert.equal(taken.status, 200, JSON.stringify(taken.error));
      never.open();
      const ofBot = async () => saidBy(await history(second, visitor.conversationId), 'bot');
      await stays(async () => (await ofBot()).length === 2, 'the bot is silent', 300);
      const messages: Message[] = await history(second, visitor.conversationId);
      assertGapless(messages);
      assert.deepEqual(saidBy(messages, 'bot'), PARAGRAPHS.slice(0, 2));
      visitor.socket.close();
    });

    it('a login that ends at one api ends its sockets at the other', async () => {
      const login = await createCall(() => first.url)<{ accessToken: string; refreshToken: string }>(
        'POST',
        '/auth/login',
        OWNER,
      );
      const socket = await connect(second.url, { token: login.data.accessToken });
      assert.equal((await createCall(() => second.url, login.data.accessToken)('GET', '/me')).status, 200);
      await createCall(() => first.url)('POST', '/auth/logout', { refreshToken: login.data.refreshToken });
      await until(async () => !socket.socket.connected, 'the socket is cut');
      await until(
        async () => (await createCall(() => second.url, login.data.accessToken)('GET', '/me')).status === 401,
        'the token is worth nothing any more',
        20_000,
      );
    });

    it('without Redis messages are taken in and answered; with it again everything is as before', async (t) => {
      model.otherwise(says('Five working days.'));
      const visitor = await visit(first.url, web, 'Patient');
      redis.cut();
      const cut = performance.now();
      assert.ok((await visitor.say('How long does a refund take?', 'c1')).success);
      await chat.say(60, 'How long does a refund take?');
      await until(async () => chat.heard(60).length > 0, 'answered on Telegram');
      t.diagnostic(`telegram without Redis: ${Math.round(performance.now() - cut)} ms`);
      const answered = await until(async () => {
        const messages = await history(second, visitor.conversationId);
        return saidBy(messages, 'bot').length > 0 && messages;
      }, 'answered on the web');
      assertGapless(answered);
      for (const { url } of [...cluster.apis, ...cluster.workers]) {
        assert.equal((await fetch(`${url}/health/live`)).status, 200);
      }
      assert.equal((await second.owner('GET', '/me')).status, 200);
      redis.mend();

      model.otherwise(says('And a half.'));
      let asked = 0;
      await until(async () => {
        asked += 1;
        await visitor.say('Exactly?', `again ${asked}`);
        const isSeen = async () => visitor.socket.seen('message:received').some(({ text }) => text === 'And a half.');
        return until(isSeen, 'it is seen', 200).catch(() => false);
      }, 'the answer is on the screen again');
      const count = async (where: string): Promise<number> => {
        const [row] = await cluster.query<{ count: number }>(
          `select count(*)::int as count from inbound_events where ${where}`,
        );
        return row?.count ?? 0;
      };
      // The sweeper takes what is older than a second: whatever was done sooner was woken.
      const woken = () => count("processed_at - received_at < interval '1 second'");
      await until(async () => (await count('processed_at is null')) === 0, 'everything is done');
      const before = await woken();
      await until(async () => {
        await chat.say(61, 'Exactly?');
        await until(async () => (await count('processed_at is null')) === 0, 'it is done');
        return (await woken()) > before;
      }, 'work is woken again, not found by the sweeper');
      visitor.socket.close();
    });

    it('kill -9 of a worker in the middle of answers: the other one goes on, and repeats nothing', async (t) => {
      const COUNT = 16;
      const never = gate();
      model.otherwise(saysInSteps(PARAGRAPHS, [undefined, never.opened]));
      const visitors = await Promise.all(
        Array.from({ length: COUNT }, (_unused, index) =>
          visit((index % 2 === 0 ? first : second).url, web, `Visitor ${index}`),
        ),
      );
      await Promise.all(visitors.map((visitor) => visitor.say('tell me everything', 'c1')));
      await Promise.all(
        visitors.map(({ socket }) => socket.wait('message:received', ({ text }) => text === PARAGRAPHS[1])),
      );
      const asked = model.requests.length;
      // The worst model: it starts its answer over as if nobody had read a word.
      model.otherwise(says(...PARAGRAPHS));
      const [worker] = cluster.workers;
      assert.ok(worker);
      const killed = performance.now();
      await worker.end('SIGKILL');
      never.open();
      const times = await Promise.all(
        visitors.map(async ({ socket }) => {
          await socket.wait('message:received', ({ text }) => text === PARAGRAPHS[2]);
          return Math.round(performance.now() - killed);
        }),
      );
      const again = model.requests.length - asked;
      t.diagnostic(
        `${again} of ${COUNT} were with the killed worker; complete after ${times.sort((a, b) => a - b).join(', ')} ms`,
      );
      assert.ok(again > 0 && again < COUNT, `the work was shared: ${again} of ${COUNT}`);
      for (const { socket, conversationId } of visitors) {
        const messages = await history(first, conversationId);
        assertGapless(messages);
        assert.deepEqual(saidBy(messages, 'bot'), PARAGRAPHS);
        const shown = socket.seen('message:received').map(({ text }) => text);
        assert.deepEqual(
          shown.filter((text) => PARAGRAPHS.includes(text)),
          PARAGRAPHS,
        );
        socket.close();
      }
      assert.ok(Math.max(...times) < 10_000, `within ten seconds: ${Math.max(...times)} ms`);

      model.otherwise(says('Still here.'));
      const asking = performance.now();
      await chat.say(77, 'are you still there?');
      await until(async () => chat.heard(77).length > 0, 'new work goes to the one that is left');
      t.diagnostic(`new work after the kill: ${Math.round(performance.now() - asking)} ms`);
    });

    it('SIGTERM ends each of them cleanly', async () => {
      const rest = [...cluster.workers.slice(1), ...cluster.apis];
      assert.deepEqual(
        await Promise.all(rest.map((one) => one.end('SIGTERM'))),
        rest.map(() => 0),
      );
    });
  });
}
