/** How much happens in a run, and how long each fault lasts. */
export type Form = {
  name: 'short' | 'full';
  conversations: number;
  messages: number;
  visitors: number;
  /** a visitor says something about so often */
  visitorEveryMs: number;
  /** the customers write for so long */
  loadMs: number;
  /** a paused or blocked process stands still for so long: longer than a thread's lease of 6 s */
  pauseMs: number;
  blockMs: number;
  /** how long Telegram answers 502, and a worker's way to Redis is cut */
  telegramAwayMs: number;
  cutMs: number;
  /** how long a server that was killed stays away */
  serverAwayMs: number;
  /** rest between two faults */
  restMs: number;
  /** how often the whole list of faults is gone through */
  rounds: number;
  /** what is left may take so long once everything is well again */
  settleMs: number;
};

const short: Form = {
  name: 'short',
  conversations: 120,
  messages: 1_000,
  visitors: 16,
  visitorEveryMs: 9_000,
  loadMs: 95_000,
  pauseMs: 9_000,
  blockMs: 9_000,
  telegramAwayMs: 4_000,
  cutMs: 7_000,
  serverAwayMs: 1_500,
  restMs: 500,
  rounds: 1,
  settleMs: 200_000,
};

export const forms: Record<Form['name'], Form> = {
  short,
  full: {
    name: 'full',
    conversations: 2_000,
    messages: 20_000,
    visitors: 100,
    visitorEveryMs: 40_000,
    loadMs: 600_000,
    pauseMs: 15_000,
    blockMs: 45_000,
    telegramAwayMs: 60_000,
    cutMs: 15_000,
    serverAwayMs: 4_000,
    restMs: 4_000,
    rounds: 2,
    settleMs: 180_000,
  },
};

export type Dice = () => number;

/** The same numbers for the same seed (mulberry32): a run's customers can be asked to say the same again. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Ends early, and well, with its signal. */
export const rest = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
