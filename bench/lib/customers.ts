/** Customers on Telegram: one after the other, all at once, as fast as they are answered, or at a steady rate. */
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { now } from './child.ts';
import { summarise } from './stats.ts';
import { post, textUpdate } from './webhook.ts';
import type { OpenWorld } from './world.ts';

/** between two turns that are timed alone */
export const TURN_PAUSE_MS = 20;

type Door = { webhookUrl: string; secret: string };
/** Chats are spread over the inboxes. */
type Doors = { webhookUrls: string[]; secret: string };

const doorOf = ({ webhookUrls, secret }: Doors, chat: number): Door => ({
  webhookUrl: webhookUrls[chat % webhookUrls.length] ?? '',
  secret,
});

export function createCustomers(world: OpenWorld) {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  let updateId = 1;
  /** when the question was asked that a chat waits for an answer to */
  const waiting = new Map<number, (at: number) => void>();
  world.onMessage(({ chat }) => {
    const answered = waiting.get(chat);
    waiting.delete(chat);
    answered?.(now());
  });

  function write({ webhookUrl, secret }: Door, chat: number, text: string): Promise<void> {
    const headers = { 'x-telegram-bot-api-secret-token': secret };
    return post(agent, webhookUrl, headers, textUpdate(updateId++, chat, text));
  }

  /** One question and its answer; milliseconds from `due` to the reply's arrival. */
  async function ask(door: Door, chat: number, due: number): Promise<number> {
    const reply = new Promise<number>((resolve) => waiting.set(chat, resolve));
    await write(door, chat, `Question ${updateId}: how long does a refund take?`);
    return (await reply) - due;
  }

  return {
    think: ({ milliseconds }: { milliseconds: number }) => world.think(milliseconds),

    async oneByOne({ chat, count, ...door }: Door & { chat: number; count: number }) {
      const durations: number[] = [];
      for (let index = 0; index < count; index++) {
        durations.push(await ask(door, chat, now()));
        // The turn's own last statements come after the reply; the next question does not wait behind them.
        await pause(TURN_PAUSE_MS);
      }
      return summarise(durations);
    },

    /** All at once to one conversation; over when nothing has arrived for a while. */
    async burst({ chat, count, ...door }: Door & { chat: number; count: number }) {
      const began = now();
      let replies = 0;
      let last = began;
      const stop = world.onMessage((message) => {
        if (message.chat !== chat) return;
        replies += 1;
        last = now();
      });
      await Promise.all(Array.from({ length: count }, (_unused, index) => write(door, chat, `Message ${index}`)));
      while (replies === 0 || now() - last < 1_500) await pause(50);
      stop();
      return { replies, milliseconds: last - began };
    },

    /** `chats` customers, each asking again as soon as it is answered. The first `warmSeconds` do not count. */
    async flood(order: Doors & { firstChat: number; chats: number; warmSeconds: number; seconds: number }) {
      const from = now() + order.warmSeconds * 1_000;
      const until = from + order.seconds * 1_000;
      const durations: number[] = [];
      let all = 0;
      const talk = async (chat: number): Promise<void> => {
        while (now() < until) {
          const took = await ask(doorOf(order, chat), chat, now());
          all += 1;
          const at = now();
          if (at >= from && at < until) durations.push(took);
        }
      };
      await Promise.all(Array.from({ length: order.chats }, (_unused, index) => talk(order.firstChat + index)));
      // `all`: with those of the warm-up and those that ended after the time.
      return { perSecond: durations.length / order.seconds, all, ...summarise(durations) };
    },

    /** `rate` questions a second, of customers who wait for their last answer before they ask again. */
    async steady(order: Doors & { firstChat: number; chats: number; rate: number; seconds: number }) {
      const began = now();
      const count = Math.floor(order.rate * order.seconds);
      const durations: number[] = [];
      const free = Array.from({ length: order.chats }, (_unused, index) => order.firstChat + index);
      const open = new Set<Promise<void>>();
      const failures: string[] = [];
      let late = 0;
      for (let sent = 0; sent < count;) {
        for (; sent < count && began + (sent * 1_000) / order.rate <= now(); sent++) {
          const chat = free.shift();
          if (chat === undefined) {
            late += 1;
            continue;
          }
          const asked = ask(doorOf(order, chat), chat, began + (sent * 1_000) / order.rate).then(
            (took) => {
              durations.push(took);
              free.push(chat);
            },
            (error: unknown) => void failures.push(String(error)),
          );
          open.add(asked);
          void asked.finally(() => open.delete(asked));
        }
        await pause(1);
      }
      await Promise.race([Promise.all(open), pause(10_000)]);
      return { ...summarise(durations), late, unanswered: open.size, failed: failures.length, failure: failures[0] };
    },
  };
}
