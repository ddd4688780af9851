import { SECRET, textUpdate } from '../server/src/test/talk.ts';
import { MISBEHAVIOUR } from './answers.ts';
import type { Member } from './fleet.ts';
import { createDice, rest } from './plan.ts';
import type { Form } from './plan.ts';

/** One message of a customer on Telegram, as its sender knows it. Times are milliseconds of this process's clock. */
export type Said = {
  token: string;
  chat: number;
  updateId: number;
  /** first byte sent */
  sentAt: number;
  /** the first 200; undefined: never accepted */
  acceptedAt: number | undefined;
  /** answers, in order: HTTP statuses, 0 for none */
  answers: number[];
  poison: boolean;
  file: string | undefined;
};
export type Customers = ReturnType<typeof createCustomers>;

const COPIES = 3;
const ANSWER_WITHIN_MS = 12_000;
/** The platform gives up: long after everything is well again. */
const PATIENCE_MS = 90_000;
/** Chats with a part of their own; the others are 1, 2, 3, … */
export const CHATS = {
  together: 1_000_000,
  slow: 2_000_000,
  poison: 3_000_000,
  file: 4_000_000,
  blocked: 5_000_000,
};

/**
 * Customers on Telegram, and Telegram itself: every webhook is delivered three times, in any order, to any api; one that
 * is not answered with 200 comes again, as Telegram does.
 */
export function createCustomers(parts: { nextApi: () => Member; inboxToken: string; form: Form; seed: number }) {
  const { nextApi, form } = parts;
  const dice = createDice(parts.seed);
  const all: Said[] = [];
  const counts = new Map<number, number>();
  const under = new Set<Promise<void>>();
  let lastUpdate = 10_000;
  let faulty = 0;
  let ended = false;

  async function post(api: Member, update: unknown): Promise<number> {
    try {
      const answer = await fetch(`${api.url}/webhooks/telegram/${parts.inboxToken}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET },
        body: JSON.stringify(update),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      // No answer is what a platform sees of a process that died; it knows no more, and delivers again.
      return 0;
    }
  }

  async function deliver(said: Said, update: unknown, first: Member, again: boolean): Promise<void> {
    let api = first;
    for (let wait = 500; ; wait = Math.min(4_000, wait * 2)) {
      const status = await post(api, update);
      said.answers.push(status);
      if (status === 200) said.acceptedAt ??= Date.now();
      if (status === 200 || !again || said.acceptedAt !== undefined || Date.now() > said.sentAt + PATIENCE_MS) return;
      await rest(wait);
      api = nextApi();
    }
  }

  function track(work: Promise<void>): Promise<void> {
    const kept: Promise<void> = work.finally(() => under.delete(kept));
    under.add(kept);
    return kept;
  }

  /** @returns resolves when the first copy was accepted */
  function say(
    chat: number,
    words: string,
    more: { api?: Member; poison?: boolean; file?: string } = {},
  ): { said: Said; accepted: Promise<void> } {
    lastUpdate += 1;
    const count = (counts.get(chat) ?? 0) + 1;
    counts.set(chat, count);
    const token = `q${chat}x${count}`;
    const said: Said = {
      token,
      chat,
      updateId: lastUpdate,
      sentAt: Date.now(),
      acceptedAt: undefined,
      answers: [],
      poison: more.poison ?? false,
      file: more.file,
    };
    all.push(said);
    const text = `${token} ${words}`;
    const update = textUpdate(
      said.updateId,
      chat,
      text,
      more.file
        ? {
            text: undefined,
            caption: text,
            photo: [{ file_id: more.file, file_unique_id: more.file, file_size: 30, width: 9, height: 9 }],
          }
        : {},
    );
    const accepted = track(deliver(said, update, more.api ?? nextApi(), true));
    for (let copy = 2; copy <= COPIES; copy += 1) {
      const later = Math.floor(dice() * 3_000);
      void track(rest(later).then(() => deliver(said, update, nextApi(), false)));
    }
    return { said, accepted };
  }

  function words(): string {
    const drawn = dice();
    if (drawn < 0.03) return 'I want to talk to a human';
    if (drawn < 0.06) return 'how long does delivery take [slow]';
    if (drawn < 0.06 + 0.01 * MISBEHAVIOUR.length) {
      faulty += 1;
      return `how long does delivery take [${MISBEHAVIOUR[faulty % MISBEHAVIOUR.length]}]`;
    }
    return 'how long does delivery take';
  }

  return {
    all,
    chats: CHATS,
    say,
    /** The steady stream of the run: every conversation in its own rhythm, some of it two or three messages at once. */
    async write(): Promise<void> {
      const began = Date.now();
      const { conversations, messages, loadMs } = form;
      const times = Array.from({ length: messages }, (_unused, index) => ({
        chat: 1 + (index < conversations ? index : Math.floor(dice() * conversations)),
        at: dice() * loadMs,
      })).sort((a, b) => a.at - b.at);
      for (const { chat, at } of times) {
        const wait = began + at - Date.now();
        if (wait > 0) await rest(wait);
        if (ended) return;
        say(chat, words());
        // A customer in a hurry: the next words are on their way before the first ones are answered.
        if (dice() < 0.1) say(chat, words());
      }
    },
    end: () => {
      ended = true;
    },
    /** Every delivery has ended, with a 200 or for good. */
    settled: async (): Promise<void> => {
      while (under.size > 0) await Promise.allSettled(under);
    },
  };
}
