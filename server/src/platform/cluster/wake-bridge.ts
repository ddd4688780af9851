import { z } from 'zod';
import { newId } from '../data/ids.ts';
import type { Logger } from '../telemetry/log.ts';
import { RESYNC } from './wake.ts';
import type { WakeBus } from './wake.ts';

export type LinkEvents = {
  /** Connected and listening. Called again after every loss. */
  up(): void;
  /** The connection is lost, or could not be made; the link goes on trying. */
  down(error: unknown): void;
  message(text: string): void;
};

/** A way to say short texts to other processes: at most once, in order, or not at all. */
export type Link = {
  start(channels: string[], events: LinkEvents): void;
  /** @returns how many heard it, where the link can know. Rejects when it was surely or maybe not sent. */
  send(channel: string, text: string): Promise<number | undefined>;
  /** Drops a connection that seems dead and makes a new one. */
  reset(): void;
  close(): Promise<void>;
};

export type WakeTopics = {
  /** One process that listens is enough: rung here if anybody here listens, else in one of the others. */
  work: readonly string[];
  /** Every process has to hear of it. */
  news: readonly string[];
};

export type WakeBridge = {
  start(): void;
  /** Asks the others to give this process no more work; it can still give work to them. */
  retire(): void;
  close(): Promise<void>;
  /** Other processes that were heard of lately. */
  members(): number;
};

const Rings = z.array(z.tuple([z.string().max(200), z.string().max(4_000)])).max(10_000);
const Said = z.object({
  from: z.string().max(64),
  rings: Rings.optional(),
  /** the work topics of the process; none when it leaves */
  works: z.array(z.string().max(200)).max(100).optional(),
  /** it is new, or was away: the others say who they are */
  asks: z.boolean().optional(),
});
type Said = z.infer<typeof Said>;
type Ring = [topic: string, key: string];

const HELLO_MS = 2_000;
/** A process that was silent this long gets no more work. */
const FORGET_MS = 3 * HELLO_MS;
/** Each hears its own hello. When it does not, the connection is dead, whatever the socket says. */
const DEAF_MS = 5 * HELLO_MS;
/** PostgreSQL takes less than 8 000 bytes at a time. */
const MESSAGE_BYTES = 7_000;
const MOST_QUEUED = 10_000;

/**
 * Carries wakes to the other processes and rings what they say. At most once: tables are the truth, the sweeper finds
 * work whose bell was lost, and after a loss everybody forgets what bells keep fresh (RESYNC). Nothing here ever
 * throws into, or waits in, the one who wakes.
 *
 * Work goes to one process, always the same for a key while the set of processes stays the same, so that the holder
 * of a thread hears of its next message itself.
 */
export function createWakeBridge(parts: {
  wake: WakeBus;
  link: Link;
  log: Logger;
  topics: WakeTopics;
  /** Common to all processes of one installation, and to no other on the same server; on PostgreSQL at most 25 characters. */
  prefix: string;
}): WakeBridge {
  const { wake, link, log } = parts;
  const id = newId();
  const work = new Set(parts.topics.work);
  const news = new Set([...parts.topics.news, RESYNC]);
  const everybody = `${parts.prefix}:all`;
  const channelOf = (member: string): string => `${parts.prefix}:${member}`;

  const members = new Map<string, { works: Set<string>; heardAt: number }>();
  const queue = new Map<string, Ring>();
  const state = { up: false, wasUp: false, flushing: false, planned: false, retired: false, closed: false };
  let overflowed = false;
  let heardMyselfAt = 0;
  let complained = false;
  let timer: NodeJS.Timeout | undefined;

  function enqueue(ring: Ring): void {
    const name = `${ring[0]}\n${ring[1]}`;
    if (queue.has(name)) return;
    if (queue.size >= MOST_QUEUED) {
      overflowed = true;
      return;
    }
    queue.set(name, ring);
  }

  function plan(): void {
    if (state.planned || state.flushing || !state.up) return;
    state.planned = true;
    // Everything that is woken in one step travels together.
    setImmediate(() => {
      state.planned = false;
      void flush();
    });
  }

  /** The member that works on the key, or everybody while none is known. */
  function destination([topic, key]: Ring): string {
    if (news.has(topic)) return everybody;
    let best: string | undefined;
    let highest = -1;
    for (const [member, { works }] of members) {
      if (!works.has(topic)) continue;
      const score = mix(`${member} ${key}`);
      if (score > highest) [best, highest] = [member, score];
    }
    return best === undefined ? everybody : channelOf(best);
  }

  async function flush(): Promise<void> {
    if (state.flushing || !state.up) return;
    state.flushing = true;
    try {
      while (queue.size > 0 && state.up) {
        const rings = [...queue.values()];
        queue.clear();
        if (!(await sendAll(rings))) break;
      }
    } finally {
      state.flushing = false;
    }
  }

  /** False: the link does not work, and what was not sent waits for it. */
  async function sendAll(rings: Ring[]): Promise<boolean> {
    let sent = true;
    for (const [channel, those] of Map.groupBy(rings, destination)) {
      for (const together of portions(those)) {
        if (!sent) {
          for (const ring of together) enqueue(ring);
          continue;
        }
        try {
          const heard = await link.send(channel, JSON.stringify({ from: id, rings: together } satisfies Said));
          if (heard !== 0 || channel === everybody) continue;
          // Nobody is there any more: another one takes the work.
          members.delete(channel.slice(parts.prefix.length + 1));
          for (const ring of together) enqueue(ring);
        } catch (error) {
          complain(error);
          sent = false;
          for (const ring of together) enqueue(ring);
        }
      }
    }
    return sent;
  }

  function say(channel: string, words: Omit<Said, 'from'>): Promise<unknown> {
    return link.send(channel, JSON.stringify({ from: id, ...words } satisfies Said)).catch(complain);
  }

  const hello = (channel: string, asks = false): Promise<unknown> =>
    say(channel, { works: state.retired ? [] : [...work].filter(wake.hears), asks });

  function complain(error: unknown): void {
    if (complained || state.closed) return;
    complained = true;
    // The outage itself is told by the watch of Redis, or of the database.
    log.debug(
      { err: error },
      'no connection to the other processes: their work starts at the next look of the sweeper',
    );
  }

  function hear(text: string): void {
    const said = parse(text);
    if (!said) {
      log.warn('another program talks on the channel of the wakes');
      return;
    }
    if (said.from === id) {
      heardMyselfAt = performance.now();
      return;
    }
    if (said.works) {
      members.set(said.from, { works: new Set(said.works), heardAt: performance.now() });
      if (said.asks) void hello(channelOf(said.from));
    }
    for (const [topic, key] of said.rings ?? []) if (work.has(topic) || news.has(topic)) wake.ring(topic, key);
  }

  function up(): void {
    if (state.closed) return;
    state.up = true;
    heardMyselfAt = performance.now();
    if (complained) log.debug('connected to the other processes again');
    complained = false;
    if (state.wasUp) wake.ring(RESYNC, 'all');
    state.wasUp = true;
    if (overflowed) {
      overflowed = false;
      queue.set(RESYNC, [RESYNC, 'all']);
    }
    void hello(everybody, true);
    plan();
  }

  function down(error: unknown): void {
    state.up = false;
    complain(error);
  }

  function beat(): void {
    const now = performance.now();
    for (const [member, { heardAt }] of members) if (now - heardAt > FORGET_MS) members.delete(member);
    if (!state.up) return;
    if (now - heardMyselfAt > DEAF_MS) {
      down(new Error('nothing is heard any more'));
      link.reset();
      return;
    }
    void hello(everybody);
    plan();
  }

  return {
    start() {
      wake.tap((topic, key) => {
        if (state.closed || (!news.has(topic) && (!work.has(topic) || wake.hears(topic)))) return;
        enqueue([topic, key]);
        plan();
      });
      link.start([everybody, channelOf(id)], { up, down, message: hear });
      timer = setInterval(beat, HELLO_MS);
    },
    retire() {
      state.retired = true;
      if (state.up) void hello(everybody);
    },
    async close() {
      if (state.closed) return;
      clearInterval(timer);
      if (state.up) await flush();
      state.retired = true;
      if (state.up) await hello(everybody);
      state.closed = true;
      state.up = false;
      await link.close();
    },
    members: () => members.size,
  };
}

function parse(text: string): Said | undefined {
  try {
    return Said.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** FNV-1a, stirred: the same number in every process, evenly spread. */
function mix(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function* portions(rings: Ring[]): Generator<Ring[]> {
  let portion: Ring[] = [];
  let bytes = 0;
  for (const ring of rings) {
    const size = Buffer.byteLength(JSON.stringify(ring)) + 1;
    if (portion.length > 0 && bytes + size > MESSAGE_BYTES) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(ring);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}
