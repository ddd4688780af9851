import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Inbox, Message, SessionCreated } from '@parley/contract';
import { Manager } from 'socket.io-client';
import { createCall, OWNER, startTestApp, until } from './test/app.ts';
import type { TestApp } from './test/app.ts';
import { clusterServers, startCluster } from './test/cluster.ts';
import type { Cluster } from './test/cluster.ts';
import { stays } from './test/stays.ts';
import { ownerOf } from './test/talk.ts';
import type { Call } from './test/app.ts';

type Said = { text?: string; author?: { type: string } };
const opened = new Set<() => void>();

/** A client as the widget and the dashboard have it: it comes back by itself when the line is lost. */
async function client(url: string, auth: () => Record<string, unknown>) {
  const address = { url };
  const manager = new Manager(url, { transports: ['websocket'], reconnectionDelay: 20, reconnectionDelayMax: 50 });
  const socket = manager.socket('/', { auth: (give: (values: object) => void) => give(auth()) });
  const heard: { event: string; payload: Said }[] = [];
  let refused: string | undefined;
  socket.onAny((event: string, payload: Said) => heard.push({ event, payload }));
  socket.on('connect_error', (error: Error & { data?: { code?: string } }) => (refused = error.data?.code ?? refused));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  const close = (): void => {
    manager.reconnection(false);
    socket.close();
  };
  opened.add(close);
  return {
    socket,
    refused: () => refused,
    /** What people said, in the order it came. */
    texts: () =>
      heard
        .filter(({ event, payload }) => event === 'message:received' && payload.author?.type !== 'system')
        .map(({ payload }) => payload.text),
    call: (event: string, payload: unknown) => socket.timeout(15_000).emitWithAck(event, payload),
    /** Cuts the line, waits until `meanwhile` is done, and lets the client come back, maybe to another process. */
    async away(meanwhile: () => Promise<void>, to = address.url): Promise<void> {
      manager.reconnection(false);
      manager.engine.close();
      await until(async () => !socket.connected, 'the line is cut');
      await meanwhile();
      Reflect.set(manager, 'uri', to);
      manager.reconnection(true);
      const back = new Promise<void>((resolve) => {
        socket.once('connect', resolve);
        socket.once('connect_error', () => resolve());
      });
      socket.connect();
      manager.open();
      await back;
    },
    close,
  };
}

async function openSockets(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const [, count] = /^active_websocket_connections (\d+)$/m.exec(metrics) ?? [];
  assert.ok(count, 'sockets are counted');
  return Number(count);
}

type Running = { url: string; owner: Call; ownerToken: string };

async function talk({ url, owner }: Running) {
  const inbox = (await owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web' })).data;
  const seen: { visitor?: string } = {};
  const visitor = await client(url, () => ({ inbox: inbox.token, ...seen }));
  const started = await visitor.call('customer:start_chat', { name: 'Maria' });
  assert.ok(started.success, JSON.stringify(started));
  const session: SessionCreated = started.data;
  seen.visitor = session.visitor;
  const { conversationId } = session;
  const say = async (text: string): Promise<void> => {
    const answer = await owner<Message>('POST', `/conversations/${conversationId}/messages`, { text });
    assert.ok(answer.status < 300, JSON.stringify(answer.error));
  };
  await say('first');
  await until(async () => visitor.texts().includes('first'), 'the visitor listens');
  return { visitor, conversationId, say, inbox };
}

/** The same on one process, and on two that share a Redis: `elsewhere` is where the client comes back. */
function recovers(name: string, open: () => Promise<{ here: Running; elsewhere: Running; close(): Promise<void> }>) {
  describe(name, () => {
    let place: Awaited<ReturnType<typeof open>>;
    before(async () => {
      place = await open();
    });
    after(async () => {
      for (const close of opened) close();
      await place?.close();
    });

    it('a login that ended meanwhile gets neither a connection nor a word of what was missed', async () => {
      const { here, elsewhere } = place;
      const login = await createCall(() => here.url)<{ accessToken: string; refreshToken: string }>(
        'POST',
        '/auth/login',
        OWNER,
      );
      const { accessToken: token, refreshToken } = login.data;
      const { conversationId, say, visitor } = await talk(here);
      const agent = await client(here.url, () => ({ token }));
      await agent.call('conversation:subscribe', { conversationId });
      await say('before');
      await until(async () => agent.texts().includes('before'), 'the agent listens');
      await agent.away(async () => {
        await say('a secret of the company');
        await createCall(() => here.url)('POST', '/auth/logout', { refreshToken });
        const me = () => createCall(() => elsewhere.url, token)('GET', '/me');
        await until(async () => (await me()).status === 401, 'the login is over there, too');
      }, elsewhere.url);
      await until(async () => agent.refused() !== undefined, 'it is refused');
      assert.equal(agent.refused(), 'unauthorized');
      assert.equal(agent.socket.connected, false);
      assert.equal(agent.texts().includes('a secret of the company'), false);
      agent.close();
      visitor.close();
    });

    it('what a visitor missed is said in order, once, and the conversation goes on', async () => {
      const { here, elsewhere } = place;
      const { visitor, say, conversationId } = await talk(here);
      await visitor.away(async () => {
        await say('second');
        await say('third');
      }, elsewhere.url);
      await until(async () => visitor.texts().includes('third'), 'what was missed came');
      assert.equal(visitor.socket.recovered, true);
      assert.deepEqual(visitor.texts(), ['first', 'second', 'third']);
      await say('fourth');
      await until(async () => visitor.texts().includes('fourth'), 'it listens on');
      const sent = await visitor.call('customer:send_message', { conversationId, text: 'I am back', clientId: 'c9' });
      assert.ok(sent.success, JSON.stringify(sent));
      visitor.close();
    });

    it('an agent listens to the same conversations again, and to no other', async () => {
      const { here, elsewhere } = place;
      const [one, other] = [await talk(here), await talk(here)];
      const agent = await client(here.url, () => ({ token: here.ownerToken }));
      await agent.call('conversation:subscribe', { conversationId: one.conversationId });
      await one.say('before');
      await until(async () => agent.texts().includes('before'), 'the agent listens');
      await agent.away(async () => {
        await one.say('missed');
        await other.say('of the other one');
      }, elsewhere.url);
      await until(async () => agent.texts().includes('missed'), 'what was missed came');
      assert.equal(agent.socket.recovered, true);
      await one.say('after');
      await until(async () => agent.texts().includes('after'), 'it listens on');
      assert.deepEqual(agent.texts(), ['before', 'missed', 'after']);
      for (const { visitor } of [one, other]) visitor.close();
      agent.close();
    });

    it('whoever takes over the id of a connection gets nothing of it', async () => {
      const { here, elsewhere } = place;
      const { visitor, say, inbox } = await talk(here);
      const stolen = { pid: Reflect.get(visitor.socket, '_pid'), offset: Reflect.get(visitor.socket, '_lastOffset') };
      assert.equal(typeof stolen.pid, 'string');
      assert.equal(typeof stolen.offset, 'string');
      const before = await openSockets(here.url);
      Reflect.get(visitor.socket.io, 'engine').close();
      visitor.socket.io.reconnection(false);
      await say('for Maria alone');
      await until(async () => (await openSockets(here.url)) < before, 'the connection is known to be lost');
      // Another visitor of the same inbox, who says that it was this connection.
      const thief = await client(elsewhere.url, () => ({ inbox: inbox.token, ...stolen }));
      await stays(() => thief.texts().length === 0, 'the thief hears nothing', 300);
      assert.equal(thief.socket.connected, true);
      assert.notEqual(Reflect.get(thief.socket, '_pid'), stolen.pid);
      thief.close();
      visitor.close();
    });

    it('what was away for too long, or names nothing known, is a new connection', async () => {
      const { here, elsewhere } = place;
      const { visitor, say } = await talk(here);
      Reflect.set(visitor.socket, '_lastOffset', '1-1');
      await visitor.away(() => say('missed'), elsewhere.url);
      assert.equal(visitor.socket.connected, true);
      assert.equal(visitor.socket.recovered, false);
      visitor.close();
    });
  });
}

recovers('connections of one process come back', async () => {
  const test: TestApp = await startTestApp();
  const here = { url: test.url, owner: test.owner, ownerToken: test.ownerToken };
  return { here, elsewhere: here, close: test.close };
});

if (clusterServers) {
  const servers = clusterServers;
  recovers('connections come back to another process', async () => {
    const cluster: Cluster = await startCluster(servers, { apis: 2, workers: 0 }, {});
    const running = async (url: string): Promise<Running> => {
      const login = await createCall(() => url)<{ accessToken: string }>('POST', '/auth/login', OWNER);
      return { url, owner: await ownerOf(url, OWNER), ownerToken: login.data.accessToken };
    };
    const [one, two] = cluster.apis;
    assert.ok(one && two);
    return { here: await running(one.url), elsewhere: await running(two.url), close: cluster.close };
  });
}
