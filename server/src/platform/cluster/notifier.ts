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

/** A way to send short texts to other processes: at most once, in order, or not at all. */
export type Link = {
  start(channels: string[], events: LinkEvents): void;
  /** @returns how many received it, where the link can know. Rejects when it was surely or maybe not sent. */
  send(channel: string, text: string): Promise<number | undefined>;
  /** Drops a connection that seems dead and makes a new one. */
  reset(): void;
  close(): Promise<void>;
};

export type WakeTopics = {
  /** One process that listens is enough: this one where it does, else one of the others. */
  work: readonly string[];
  /** For every process. */
  broadcast: readonly string[];
};

export type ClusterNotifier = {
  start(): void;
  /** Asks the others to give this process no more work; it can still give work to them. */
  retire(): void;
  close(): Promise<void>;
  /** Other processes whose heartbeat came lately. */
  members(): number;
};

const Notifications = z.array(z.tuple([z.string().max(200), z.string().max(4_000)])).max(10_000);
const Message = z.object({
  from: z.string().max(64),
  notifications: Notifications.optional(),
  /** the work topics of the process; none when it leaves */
  topics: z.array(z.string().max(200)).max(100).optional(),
  /** it is new, or was away: the others send it a heartbeat */
  asks: z.boolean().optional(),
});
type Message = z.infer<typeof Message>;
type Notification = [topic: string, key: string];

const HEARTBEAT_MS = 2_000;
/** A process that was silent this long gets no more work. */
const FORGET_MS = 3 * HEARTBEAT_MS;
/** Each receives its own heartbeat. When it does not, the connection is dead, whatever the socket says. */
const DEAF_MS = 5 * HEARTBEAT_MS;
/** PostgreSQL takes less than 8 000 bytes at a time. */
const MESSAGE_BYTES = 7_000;
const MAX_QUEUED = 10_000;

/**
 * Carries wakes to the other processes and theirs to this one. At most once: tables are the truth, the sweeper finds work
 * whose wake was lost, and after a loss every process empties the caches that wakes keep fresh (RESYNC). Nothing here ever
 * throws into, or waits in, the caller of `wake`.
 *
 * Work goes to one process, always the same for a key while the set of processes stays the same, so that the holder
 * of a thread gets its next message itself.
 */
export function createClusterNotifier(deps: {
  wake: WakeBus;
  link: Link;
  log: Logger;
  topics: WakeTopics;
  /** Common to all processes of one installation, and to no other on the same server; on PostgreSQL at most 25 characters. */
  prefix: string;
}): ClusterNotifier {
  const { wake, link, log } = deps;
  const id = newId();
  const work = new Set(deps.topics.work);
  const broadcast = new Set([...deps.topics.broadcast, RESYNC]);
  const everybody = `${deps.prefix}:all`;
  const channelOf = (member: string): string => `${deps.prefix}:${member}`;

  const members = new Map<string, { topics: Set<string>; seenAt: number }>();
  const queue = new Map<string, Notification>();
  const state = { up: false, wasUp: false, flushing: false, planned: false, retired: false, closed: false };
  let overflowed = false;
  let receivedOwnAt = 0;
  let reported = false;
  let timer: NodeJS.Timeout | undefined;

  function enqueue(one: Notification): void {
    const name = `${one[0]}\n${one[1]}`;
    if (queue.has(name)) return;
    if (queue.size >= MAX_QUEUED) {
      overflowed = true;
      return;
    }
    queue.set(name, one);
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
  function destination([topic, key]: Notification): string {
    if (broadcast.has(topic)) return everybody;
    let best: string | undefined;
    let highest = -1;
    for (const [member, { topics }] of members) {
      if (!topics.has(topic)) continue;
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
        const notifications = [...queue.values()];
        queue.clear();
        if (!(await sendAll(notifications))) break;
      }
    } finally {
      state.flushing = false;
    }
  }

  /** False: the link does not work, and what was not sent waits for it. */
  async function sendAll(notifications: Notification[]): Promise<boolean> {
    let sent = true;
    for (const [channel, those] of Map.groupBy(notifications, destination)) {
      for (const together of portions(those)) {
        if (!sent) {
          for (const one of together) enqueue(one);
          continue;
        }
        try {
          const received = await link.send(
            channel,
            JSON.stringify({ from: id, notifications: together } satisfies Message),
          );
          if (received !== 0 || channel === everybody) continue;
          // That process is gone: another one takes the work.
          members.delete(channel.slice(deps.prefix.length + 1));
          for (const one of together) enqueue(one);
        } catch (error) {
          reportOutage(error);
          sent = false;
          for (const one of together) enqueue(one);
        }
      }
    }
    return sent;
  }

  function send(channel: string, content: Omit<Message, 'from'>): Promise<unknown> {
    return link.send(channel, JSON.stringify({ from: id, ...content } satisfies Message)).catch(reportOutage);
  }

  const heartbeat = (channel: string, asks = false): Promise<unknown> =>
    send(channel, { topics: state.retired ? [] : [...work].filter(wake.hasListener), asks });

  function reportOutage(error: unknown): void {
    if (reported || state.closed) return;
    reported = true;
    // The outage itself is logged by the watch of Redis, or of the database.
    log.debug(
      { err: error },
      'no connection to the other processes: their work starts at the next look of the sweeper',
    );
  }

  function receive(text: string): void {
    const message = parse(text);
    if (!message) {
      log.warn('another program sends on the channel of the notifier');
      return;
    }
    if (message.from === id) {
      receivedOwnAt = performance.now();
      return;
    }
    if (message.topics) {
      members.set(message.from, { topics: new Set(message.topics), seenAt: performance.now() });
      if (message.asks) void heartbeat(channelOf(message.from));
    }
    for (const [topic, key] of message.notifications ?? [])
      if (work.has(topic) || broadcast.has(topic)) wake.notifyLocal(topic, key);
  }

  function up(): void {
    if (state.closed) return;
    state.up = true;
    receivedOwnAt = performance.now();
    if (reported) log.debug('connected to the other processes again');
    reported = false;
    if (state.wasUp) wake.notifyLocal(RESYNC, 'all');
    state.wasUp = true;
    if (overflowed) {
      overflowed = false;
      queue.set(RESYNC, [RESYNC, 'all']);
    }
    void heartbeat(everybody, true);
    plan();
  }

  function down(error: unknown): void {
    state.up = false;
    reportOutage(error);
  }

  function beat(): void {
    const now = performance.now();
    for (const [member, { seenAt }] of members) if (now - seenAt > FORGET_MS) members.delete(member);
    if (!state.up) return;
    if (now - receivedOwnAt > DEAF_MS) {
      down(new Error('nothing is received any more'));
      link.reset();
      return;
    }
    void heartbeat(everybody);
    plan();
  }

  return {
    start() {
      wake.forward((topic, key) => {
        if (state.closed || (!broadcast.has(topic) && (!work.has(topic) || wake.hasListener(topic)))) return;
        enqueue([topic, key]);
        plan();
      });
      link.start([everybody, channelOf(id)], { up, down, message: receive });
      timer = setInterval(beat, HEARTBEAT_MS);
    },
    retire() {
      state.retired = true;
      if (state.up) void heartbeat(everybody);
    },
    async close() {
      if (state.closed) return;
      clearInterval(timer);
      if (state.up) await flush();
      state.retired = true;
      if (state.up) await heartbeat(everybody);
      state.closed = true;
      state.up = false;
      await link.close();
    },
    members: () => members.size,
  };
}

function parse(text: string): Message | undefined {
  try {
    return Message.safeParse(JSON.parse(text)).data;
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

function* portions(notifications: Notification[]): Generator<Notification[]> {
  let portion: Notification[] = [];
  let bytes = 0;
  for (const one of notifications) {
    const size = Buffer.byteLength(JSON.stringify(one)) + 1;
    if (portion.length > 0 && bytes + size > MESSAGE_BYTES) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(one);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}
