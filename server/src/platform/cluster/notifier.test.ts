import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createTestDatabase } from '../../test/database.ts';
import { until } from '../../test/until.ts';
import { stays } from '../../test/stays.ts';
import { startProxy } from '../../test/proxy.ts';
import { openDatabase } from '../data/index.ts';
import { createLogger } from '../telemetry/log.ts';
import { createClusterNotifier } from './notifier.ts';
import type { Link, LinkEvents } from './notifier.ts';
import { postgresLink, redisLink } from './links.ts';
import { createWake, RESYNC } from './wake.ts';

const log = createLogger({ level: 'silent' });
const topics = { work: ['thread', 'delivery'], broadcast: ['bot:changed'] };

type Process = ReturnType<typeof start>;

/** What one process of several has of it. */
function start(link: Link, listensTo: string[], prefix = 'parley-test') {
  const wake = createWake();
  const received: string[] = [];
  for (const topic of listensTo) wake.on(topic, (key) => void received.push(`${topic} ${key}`));
  const notifier = createClusterNotifier({ wake, link, log, topics, prefix });
  notifier.start();
  return { wake, received, notifier };
}

const together = (processes: Process[]) =>
  until(
    async () => processes.every(({ notifier }) => notifier.members() >= processes.length - 1),
    'all know each other',
  );
const everything = (processes: Process[]): string[] => processes.flatMap(({ received }) => received).sort();

/** A server between links, with a plug that can be pulled. */
function hub() {
  const links = new Set<{ channels: string[]; events: LinkEvents }>();
  const plug = { in: true };
  const sent: string[] = [];
  return {
    sent,
    pull() {
      plug.in = false;
      for (const { events } of links) events.down(new Error('pulled'));
    },
    put() {
      plug.in = true;
      for (const { events } of links) events.up();
    },
    link(): Link {
      let mine: { channels: string[]; events: LinkEvents } | undefined;
      return {
        start(channels, events) {
          mine = { channels, events };
          links.add(mine);
          if (plug.in) events.up();
        },
        async send(channel, text) {
          if (!plug.in) throw new Error('pulled');
          sent.push(text);
          const receivers = [...links].filter(({ channels }) => channels.includes(channel));
          for (const { events } of receivers) setImmediate(() => events.message(text));
          return receivers.length;
        },
        reset() {},
        async close() {
          if (mine) links.delete(mine);
        },
      };
    },
  };
}

const kinds: [string, () => Promise<{ link: () => Link; close: () => Promise<void> }>][] = [
  [
    'any link',
    async () => {
      const { link } = hub();
      return { link, close: async () => undefined };
    },
  ],
];
const redisUrl = process.env.TEST_REDIS_URL;
if (redisUrl) kinds.push(['Redis', async () => ({ link: () => redisLink(redisUrl), close: async () => undefined })]);
if (process.env.TEST_DATABASE_URL) {
  kinds.push([
    'PostgreSQL',
    async () => {
      const test = await createTestDatabase();
      return { link: () => postgresLink(test.database), close: () => test.remove() };
    },
  ]);
}

for (const [kind, open] of kinds) {
  describe(`wakes between processes over ${kind}`, () => {
    let server: Awaited<ReturnType<typeof open>>;
    let api: Process;
    let workers: Process[];
    let all: Process[];
    before(async () => {
      server = await open();
      const prefix = `test:${randomUUID().slice(0, 8)}`;
      api = start(server.link(), ['bot:changed'], prefix);
      workers = [1, 2].map(() => start(server.link(), ['thread', 'delivery', 'bot:changed'], prefix));
      all = [api, ...workers];
    });
    after(async () => {
      await Promise.all(all.map(({ notifier }) => notifier.close()));
      await server.close();
    });

    it('work woken where nobody does it reaches one worker, the same for a key', async () => {
      await together(all);
      const keys = Array.from({ length: 40 }, (_unused, index) => `key ${index}`);
      for (const key of keys) api.wake.wake('thread', key);
      await until(async () => everything(workers).length >= keys.length, 'all arrived');
      await stays(() => everything(workers).length === keys.length, 'each arrives once', 50);
      assert.deepEqual(everything(workers), keys.map((key) => `thread ${key}`).sort());
      for (const { received } of workers) assert.ok(received.length > 5, `spread: ${received.length}`);
      const before = workers.map(({ received }) => [...received].sort());
      for (const { received } of workers) received.length = 0;
      for (const key of keys) api.wake.wake('thread', key);
      await until(async () => everything(workers).length >= keys.length, 'all arrived again');
      assert.deepEqual(
        workers.map(({ received }) => [...received].sort()),
        before,
      );
      for (const { received } of workers) received.length = 0;
    });

    it('work woken where it is done stays there; broadcasts reach everybody once; the unnamed stays home', async () => {
      workers[0]?.wake.wake('delivery', 'mine');
      workers[0]?.wake.wake('secret', 'mine');
      workers[0]?.wake.wake('bot:changed', 'robin');
      await until(async () => everything(all).length >= 4, 'the broadcast arrived');
      await stays(() => everything(all).length === 4, 'nothing else arrives', 50);
      assert.deepEqual(workers[0]?.received.sort(), ['bot:changed robin', 'delivery mine']);
      assert.deepEqual(workers[1]?.received, ['bot:changed robin']);
      assert.deepEqual(api.received, ['bot:changed robin']);
      for (const { received } of all) received.length = 0;
    });

    it('a worker that leaves gets nothing more', async () => {
      workers[1]?.notifier.retire();
      // Said after its leave, on the same channel.
      workers[1]?.wake.wake('bot:changed', 'I have left');
      await until(async () => api.received.includes('bot:changed I have left'), 'the others know');
      for (const { received } of workers) received.length = 0;
      for (let index = 0; index < 20; index += 1) api.wake.wake('delivery', `late ${index}`);
      await until(async () => (workers[0]?.received.length ?? 0) >= 20, 'the other one has it all');
      assert.deepEqual(workers[1]?.received, []);
    });
  });
}

describe('a link that is down', () => {
  it('keeps what is woken, within bounds, and makes everybody forget afterwards', async () => {
    const server = hub();
    const processes = [start(server.link(), [RESYNC]), start(server.link(), ['thread', RESYNC])];
    const [api, worker] = processes;
    assert.ok(api && worker);
    await together(processes);
    server.pull();
    for (let index = 0; index < 50; index += 1) api.wake.wake('thread', 'the same');
    api.wake.wake('thread', 'another');
    await stays(() => worker.received.length === 0, 'nothing passes', 30);
    server.put();
    await until(async () => worker.received.length >= 3, 'it arrives');
    assert.deepEqual(worker.received.sort(), [`${RESYNC} all`, 'thread another', 'thread the same']);
    assert.deepEqual(api.received, [`${RESYNC} all`]);

    server.pull();
    for (const { received } of processes) received.length = 0;
    for (let index = 0; index < 12_000; index += 1) api.wake.wake('bot:changed', `bot ${index}`);
    server.put();
    await until(async () => worker.received.length >= 1, 'told to forget');
    assert.ok(
      server.sent.some((text) => text.includes('"resync","all"')),
      'also those that missed nothing else',
    );
    assert.ok(server.sent.every((text) => Buffer.byteLength(text) < 8_000));
    await Promise.all(processes.map(({ notifier }) => notifier.close()));
  });

  it('nonsense on the channel wakes nothing and throws nowhere', async () => {
    const server = hub();
    const one = start(server.link(), ['thread']);
    const link = server.link();
    link.start([], { up() {}, down() {}, message() {} });
    for (const text of [
      '',
      'null',
      '{"from":1}',
      '{"from":"x","notifications":[["thread"]]}',
      '{"from":"x","notifications":"all"}',
    ]) {
      await link.send('parley-test:all', text);
    }
    await link.send('parley-test:all', '{"from":"x","notifications":[["thread","right"],["other","wrong"]]}');
    await until(async () => one.received.length > 0, 'the right one is received');
    assert.deepEqual(one.received, ['thread right']);
    await one.notifier.close();
  });
});

type Server = {
  url: string;
  /** a way to it through `url`, which is a proxy's */
  open(url: string): Promise<{ link: () => Link; close: () => Promise<void> }>;
  remove(): Promise<void>;
};
const servers: [string, () => Promise<Server>][] = [];
if (redisUrl) {
  servers.push([
    'Redis',
    async () => ({
      url: redisUrl,
      open: async (url) => ({ link: () => redisLink(url), close: async () => undefined }),
      remove: async () => undefined,
    }),
  ]);
}
if (process.env.TEST_DATABASE_URL) {
  servers.push([
    'PostgreSQL',
    async () => {
      const test = await createTestDatabase();
      return {
        url: test.config.database.url ?? '',
        async open(url) {
          const database = await openDatabase({ dataDir: '', database: { url, replicaUrls: [] } }, log);
          return { link: () => postgresLink(database), close: () => database.close() };
        },
        remove: () => test.remove(),
      };
    },
  ]);
}
for (const [kind, prepare] of servers) {
  const throughProxy = async (t: TestContext, workerTopics: string[]) => {
    // Undone from the last to the first, also after a failure: a proxy left open would keep the process for ever.
    const undo: (() => Promise<unknown>)[] = [];
    t.after(async () => {
      for (const step of undo.reverse()) await step();
    });
    const target = await prepare();
    undo.push(() => target.remove());
    const proxy = await startProxy(target.url);
    undo.push(() => proxy.close());
    const server = await target.open(proxy.url);
    undo.push(() => server.close());
    const prefix = `test:${randomUUID().slice(0, 8)}`;
    const processes = [
      start(
        server.link(),
        workerTopics.filter((topic) => topic === RESYNC),
        prefix,
      ),
      start(server.link(), workerTopics, prefix),
    ];
    undo.push(() => Promise.all(processes.map(({ notifier }) => notifier.close())));
    const [api, worker] = processes;
    assert.ok(api && worker);
    await together(processes);
    return { proxy, api, worker };
  };

  it(`${kind}: a connection that was cut comes back by itself, and what was woken meanwhile arrives`, async (t) => {
    const { proxy, api, worker } = await throughProxy(t, ['thread', RESYNC]);
    proxy.cut();
    await until(async () => proxy.refused() > 0, 'they knock in vain');
    api.wake.wake('thread', 'a');
    api.wake.wake('bot:changed', 'b');
    const before = proxy.refused();
    await until(async () => proxy.refused() > before, 'they knock again');
    proxy.mend();
    await until(async () => worker.received.includes('thread a'), 'it arrives');
    await until(async () => api.received.includes(`${RESYNC} all`), 'the other one forgets, too');
  });

  it(`${kind}: a connection that died silently is noticed and replaced`, async (t) => {
    const { proxy, api, worker } = await throughProxy(t, ['thread']);
    proxy.freeze();
    await until(async () => {
      api.wake.wake('thread', 'a');
      return worker.received.length > 0;
    }, 'it is received again');
    proxy.mend();
  });
}
