import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';

/** Prepares an input of `n` units and returns the work on it; only the work is timed. */
export type Work = (n: number) => () => unknown;

const ROUNDS = 3;
/** A measurement lasts at least this long: quick work is repeated, so that the clock's grain does not show. */
const LONG_ENOUGH_MS = 10;
/** Work that takes less than this at twice its largest input harms nobody, whatever its curve. */
const FELT_MS = 10;
/** Between linear and quadratic, as far from both as clocks are wrong. */
const PLAIN = 2.3;
/** So often the two sizes are looked at before they are measured with care. */
const LOOKS = 4;

const cpuMs = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1_000;
};

/** Where the work is done: in this thread, whose own time is counted whatever else the machine does, or elsewhere. */
export type Where = 'here' | 'elsewhere';

/** Milliseconds: of this thread's own time, or of the clock for work done elsewhere. */
const timed = async (work: () => unknown, times: number, where: Where | undefined): Promise<number> => {
  const [started, cpu] = [performance.now(), process.threadCpuUsage()];
  let elsewhere = where === 'elsewhere';
  for (let at = 0; at < times; at += 1) {
    const pending = work();
    if (!(pending instanceof Promise)) continue;
    elsewhere ||= where === undefined;
    await pending;
  }
  return (elsewhere ? performance.now() - started : cpuMs(cpu)) / times;
};

const wallMs = async (work: () => unknown): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** How often work has to be done to last so long: the thread's own time is counted in steps of some milliseconds. */
async function timesFor(work: () => unknown, milliseconds: number, where: Where | undefined): Promise<number> {
  let times = 1;
  while (times < 4_096 && (await timed(work, times, where)) * times < milliseconds) times *= 2;
  return times;
}

/**
 * How many times longer twice the input takes: 2 is linear, 4 is quadratic. Both sizes in turn, the best of several rounds
 * each, since a busy machine only ever adds time; it stops as soon as the answer is `enough`. 1 for work nobody could feel.
 * `where`: without it, work that answers with a promise counts as done elsewhere.
 */
export async function growth(make: Work, size: number, enough = 2.5, where?: Where): Promise<number> {
  const once = make(size);
  const twice = make(size * 2);
  // Warms up.
  await wallMs(once);
  const [single, doubled]: [number[], number[]] = [[], []];
  for (let look = 0; look < LOOKS; look += 1) {
    doubled.push(await wallMs(twice));
    if (Math.min(...doubled) < FELT_MS) return 1;
    single.push(await wallMs(once));
    // What is plainly linear needs no longer look: nothing came between where the two best times are the same.
    const [best = 0, next = Infinity] = single.toSorted((one, other) => one - other);
    const seen = Math.min(...doubled) / best;
    if (next < best * 1.2 && seen < Math.min(PLAIN, enough)) return seen;
  }
  // On a busy machine the clock says more than was done.
  if ((await timed(twice, await timesFor(twice, 4 * LONG_ENOUGH_MS, where), where)) < FELT_MS) return 1;
  let grown = Infinity;
  // What looks like too much is measured again, four times as long: the grain of the clock weighs less, a real curve stays.
  for (let long = LONG_ENOUGH_MS; long <= LONG_ENOUGH_MS * 16 && grown > enough; long *= 4) {
    const times = await timesFor(once, long, where);
    let [one, two] = [Infinity, Infinity];
    for (let round = 0; round < ROUNDS && grown > enough; round += 1) {
      one = Math.min(one, await timed(once, times, where));
      two = Math.min(two, await timed(twice, times, where));
      // A thread's own time may be counted as nothing.
      if (one > 0) grown = two / one;
    }
  }
  return grown;
}

/** Twice the input takes at most 2.5 times the time. */
export async function assertLinear(name: string, make: Work, size: number, where?: Where): Promise<void> {
  // Work that never waits would keep the reporter silent until the end.
  await setImmediate();
  let grown = await growth(make, size, undefined, where);
  // A step (a cache, a generation of the garbage collector) shows at one size, a curve at all of them.
  if (grown > 2.5) grown = Math.min(grown, await growth(make, size * 2, undefined, where));
  assert.ok(grown <= 2.5, `${name}: twice the input of ${size} takes ${grown.toFixed(1)} times the time`);
}

/** `pattern` again and again, `n` UTF-16 units long. */
export const filled = (pattern: string, n: number): string => pattern.repeat(Math.ceil(n / pattern.length)).slice(0, n);

/** What has made parsers, expressions and tokenizers quadratic, here or elsewhere. */
export const hostilePatterns: Record<string, string> = {
  'underscore and letter': '_a',
  'letter and underscore': 'a_',
  'home paths': '~/',
  'relative paths': './',
  'opened comments': '<!--',
  spaces: ' ',
  'opened brackets': '(',
  stars: '*',
  'one letter': 'a',
  'emoji with joiners': '👩🏽‍💻',
  'combining marks': 'e\u0301\u0323',
  newlines: '\n',
  'short lines': 'a\n',
  'empty links': '[](',
  'opened links': '[',
  backticks: '`a',
  'quotation marks': '> ',
  'addresses of mail': 'a@',
  'ends of sentences': 'a. ',
  'opened tags': '<a ',
  entities: '&amp;',
  pipes: '|-',
};
