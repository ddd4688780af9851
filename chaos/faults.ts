import type { Proxy } from '../server/src/test/proxy.ts';
import type { Customers } from './customers.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Peer } from './peer.ts';
import { rest } from './plan.ts';
import type { Form } from './plan.ts';
import type { Services } from './services.ts';
import { watchTakeover } from './takeover.ts';

/** One thing that went wrong on order. Times are milliseconds of this process's clock. */
export type Happening = {
  fault: string;
  from: number;
  to: number;
  /** figures for the report */
  told: Record<string, number | string>;
};
export type Scene = {
  fleet: Fleet;
  peer: Peer;
  services: Services;
  customers: Customers;
  redisOfOne: Proxy;
  form: Form;
};

type Fault = {
  name: string;
  /** one sentence for the report */
  about: string;
  /** may a message reach Telegram twice at this moment? Sends under way lose their record. */
  doubles?: true;
  run(scene: Scene): Promise<Record<string, number | string>>;
};

const member = (list: Member[], number: number): Member => {
  const found = list[number % list.length];
  if (!found) throw new Error('the fleet is empty');
  return found;
};

let lastSlow = 0;

/** New customers whose answers take seconds, and the moment when the first part of most of them is told. */
async function answersUnderWay({ customers, fleet }: Scene, count = 12): Promise<number[]> {
  const chats = Array.from({ length: count }, () => customers.chats.slow + (lastSlow += 1));
  await Promise.all(chats.map((chat) => customers.say(chat, 'how long does delivery take [slow]').accepted));
  const until = Date.now() + 8_000;
  while (Date.now() < until) {
    const [row] = await fleet.query<{ count: number }>(
      `select count(distinct m.conversation_id)::int as count from messages m join conversations c on c.id = m.conversation_id
       join threads t on t.id = c.thread_id where t.thread_key = any($1) and m.author_type = 'bot'`,
      [chats.map(String)],
    );
    if ((row?.count ?? 0) >= count * 0.7) break;
    await rest(50);
  }
  return chats;
}

export const faults: Fault[] = [
  {
    name: 'Telegram 429',
    about: 'Telegram asks for patience with retry_after.',
    async run({ peer }) {
      const refused = await countRefused(peer);
      peer.order({ kind: 'fail', fault: { kind: 'rate-limit', retryAfter: 2 }, times: 15 });
      await rest(1_000);
      return refused();
    },
  },
  {
    name: 'Telegram 502',
    about: 'Telegram answers 502 to every send for a while.',
    async run({ peer, form }) {
      const refused = await countRefused(peer);
      peer.order({ kind: 'heal' });
      peer.order({ kind: 'fail', fault: { kind: 'bad-gateway' }, times: 1_000_000 });
      await rest(form.telegramAwayMs);
      const figures = await refused();
      peer.order({ kind: 'heal' });
      return figures;
    },
  },
  {
    name: 'two first messages at once',
    about: 'Two first messages of one customer at the same instant on two processes.',
    async run({ customers, fleet, form }) {
      const first = customers.chats.together + Math.floor(Math.random() * 1_000) * 20;
      const count = form.name === 'short' ? 10 : 20;
      for (let index = 0; index < count; index += 1) {
        customers.say(first + index, 'how long does delivery take', { api: member(fleet.apis, 0) });
        customers.say(first + index, 'how long does delivery take', { api: member(fleet.apis, 1) });
      }
      await rest(1_000);
      return { customers: count };
    },
  },
  {
    name: 'poison message',
    about: 'A message whose storing fails every time.',
    async run({ customers }) {
      const chat = customers.chats.poison + Math.floor(Math.random() * 1_000);
      await customers.say(chat, 'how long does delivery take').accepted;
      await customers.say(chat, 'poison', { poison: true }).accepted;
      customers.say(chat, 'how long does delivery take');
      return {};
    },
  },
  {
    name: 'kill -9 of a worker',
    about: 'kill -9 of a worker in the middle of streamed answers; it stays away until others have its work.',
    doubles: true,
    async run(scene) {
      const worker = member(scene.fleet.workers, 0);
      await answersUnderWay(scene);
      const watch = await watchTakeover(scene.fleet.query);
      await worker.kill();
      const taken = await watch.taken(20_000);
      const starting = Date.now();
      await worker.start();
      return { ...taken, 'started again after ms': Date.now() - starting };
    },
  },
  {
    name: 'SIGSTOP of a worker',
    about: 'A worker stands still for longer than its lease and then goes on.',
    doubles: true,
    run: (scene) =>
      standStill(scene, 1, async (worker) => {
        worker.pause();
        await rest(scene.form.pauseMs);
        worker.goOn();
      }),
  },
  {
    name: 'kill -9 of an api',
    about: 'kill -9 of an api with webhooks and sockets under way.',
    async run({ fleet }) {
      const api = member(fleet.apis, 0);
      await api.kill();
      await rest(1_000);
      await api.start();
      return {};
    },
  },
  {
    name: 'event loop blocked',
    about: 'The event loop of a worker stands still for longer than its lease.',
    doubles: true,
    run: (scene) =>
      standStill(scene, 0, async (worker) => {
        worker.block();
        await rest(scene.form.blockMs);
      }),
  },
  {
    name: 'network to Redis cut',
    about: 'One worker cannot reach Redis; the others can.',
    async run({ redisOfOne, form }) {
      redisOfOne.cut();
      await rest(form.cutMs);
      redisOfOne.mend();
      return {};
    },
  },
  {
    name: 'Redis restarted',
    about: 'Redis is stopped and started.',
    async run({ services }) {
      await services.act('restart', 'redis');
      return {};
    },
  },
  {
    name: 'Redis killed',
    about: 'Redis is killed, and comes back after a while.',
    async run({ services, form }) {
      await services.act('kill', 'redis');
      await rest(form.serverAwayMs);
      await services.act('start', 'redis');
      return {};
    },
  },
  {
    name: 'Redis flushed',
    about: 'Redis forgets everything while files are being fetched by jobs.',
    async run(scene) {
      const { customers, peer, form } = scene;
      const chat = customers.chats.file + Math.floor(Math.random() * 1_000) * 50;
      const ids = Array.from({ length: form.name === 'short' ? 30 : 45 }, (_unused, index) => `file-${chat + index}`);
      peer.order({ kind: 'files', ids, takeMs: 1_500 });
      await Promise.all(
        ids.map((file, index) => customers.say(chat + index, 'how long does delivery take', { file }).accepted),
      );
      await rest(1_500);
      await flush(scene);
      await rest(3_000);
      peer.order({ kind: 'files', ids: [], takeMs: 0 });
      return { files: ids.length };
    },
  },
  {
    name: 'answer of Telegram lost',
    about: 'Telegram took a message, and the connection ended before it could say so.',
    doubles: true,
    async run({ peer }) {
      peer.order({ kind: 'fail', fault: { kind: 'drop', accepted: true }, times: 3 });
      await rest(2_000);
      return {};
    },
  },
  {
    name: 'Telegram 403',
    about: 'Customers block the bot, and go on writing.',
    async run({ customers, peer }) {
      const chat = customers.chats.blocked + Math.floor(Math.random() * 1_000) * 10;
      const chats = [0, 1, 2].map((index) => chat + index);
      const refused = await countRefused(peer);
      peer.order({ kind: 'block', chats: chats.map(String) });
      for (const one of chats) customers.say(one, 'how long does delivery take');
      return { customers: chats.length, ...(await refused()) };
    },
  },
  {
    name: 'PostgreSQL killed',
    about: 'PostgreSQL is killed and started again.',
    doubles: true,
    async run({ services, form }) {
      await services.act('kill', 'postgres');
      await rest(form.serverAwayMs);
      await services.act('start', 'postgres');
      await rest(2_000);
      return {};
    },
  },
  {
    name: 'rolling restart',
    about: 'Every process is asked to end and started again, one after the other.',
    async run({ fleet }) {
      let clean = 0;
      for (const one of fleet.all) {
        if ((await one.stop()) === 0) clean += 1;
        await one.start();
      }
      return { restarted: fleet.all.length, 'ended cleanly': clean };
    },
  },
];

/** Counts Telegram's refusals from now on; what it returns waits until there are any, within reason. */
async function countRefused(peer: Peer): Promise<() => Promise<{ 'sends refused': number }>> {
  const before = await peer.refused();
  return async () => {
    let count = 0;
    for (let looks = 0; looks < 75 && count === 0; looks += 1) {
      await rest(200);
      count = (await peer.refused()) - before;
    }
    return { 'sends refused': count };
  };
}

/** Holds a worker in the middle of answers, and counts its writes that are refused: until there are any, and a moment longer. */
async function standStill(
  scene: Scene,
  number: number,
  hold: (worker: Member) => Promise<void>,
): Promise<{ 'late writes refused': number }> {
  await answersUnderWay(scene);
  const count = (): number => scene.fleet.notes().filter((note) => note.startsWith('refused')).length;
  const before = count();
  await hold(member(scene.fleet.workers, number));
  for (let looks = 0; looks < 50 && count() === before; looks += 1) await rest(200);
  await rest(2_000);
  return { 'late writes refused': count() - before };
}

async function flush({ services }: Scene): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(services.redisUrl);
  await redis.flushdb();
  redis.disconnect();
}

/** Goes through the faults in their order; `only` some of them. */
export async function playFaults(
  scene: Scene,
  only: string[] | undefined,
  told: (line: string) => void,
): Promise<Happening[]> {
  const happenings: Happening[] = [];
  for (const fault of faults) {
    if (only && !only.includes(fault.name)) continue;
    const from = Date.now();
    const figures = await fault.run(scene);
    const to = Date.now();
    happenings.push({ fault: fault.name, from, to, told: figures });
    told(`${fault.name}: ${((to - from) / 1000).toFixed(1)} s${describe(figures)}`);
    await rest(scene.form.restMs);
  }
  return happenings;
}

const describe = (figures: Record<string, number | string>): string =>
  Object.entries(figures)
    .map(([name, value]) => `, ${name} ${value}`)
    .join('');

export const mayDouble = (happening: Happening): boolean =>
  faults.some((fault) => fault.name === happening.fault && fault.doubles);
