/**
 * Runs test files with `node --test`. Loading the server costs more than most files' tests, so files share a process, a few
 * at a time; those that need one of their own get it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inRoot, node24, root } from './paths.mjs';
import { run } from './run.mjs';
import { fromNodeTest, readReport, withCode } from './totals.mjs';

/** Two cores are what the smallest machine has, and a third of the time a test waits for a clock. */
const PROCESSES = 3;
/** Files of one process, so that one that crashes takes not all along: loading the server costs as much as four files. */
const FILES_AT_MOST = 20;
/** For one test: nothing that is alive takes this long. */
const TIMEOUT_MS = 180_000;
/** How long each file took when it was last run here, in milliseconds. */
const DURATIONS = inRoot('node_modules/.cache/parley-test/durations.json');
/** Code that was loaded once need not be parsed and stripped of its types again. */
const COMPILED = inRoot('node_modules/.cache/parley-test/compiled');

/** In milliseconds, of the longest: where they were never run, each begins early. */
const LONG = {
  'server/src/features/knowledge/knowledge.test.ts': 50_000,
  'server/src/test/scaling/ai.test.ts': 45_000,
  'server/src/platform/embedded/embedded.test.ts': 40_000,
  'server/src/test/placement/move.test.ts': 30_000,
  'server/src/turn/restart.test.ts': 30_000,
  'server/src/features/webhooks/webhooks.test.ts': 30_000,
  'server/src/test/scaling/functions.test.ts': 25_000,
  'server/src/test/security/public-pages.test.ts': 25_000,
  'server/src/test/security/limits.test.ts': 25_000,
  'server/src/turn/model-faults.test.ts': 25_000,
  'server/src/features/conversations/moves.test.ts': 25_000,
  'server/src/features/conversations/changes.test.ts': 25_000,
  'server/src/pressure.test.ts': 25_000,
  'server/src/features/sessions/throttle.test.ts': 20_000,
  'e2e/screens.e2e.ts': 160_000,
};

/**
 * Whether a test file needs a process of its own: it says so (`// Own process: <why>.`), has hooks outside of a `describe`,
 * which would be those of every file of the process, or changes what the process has one of.
 * @param {string} text of the file
 */
export const needsOwnProcess = (text) =>
  /^\/\/ Own process: \S/m.test(text) ||
  /^(?:before|after|beforeEach|afterEach)\(/m.test(text) ||
  /\bprocess\.(?:env(?:\.\w+|\[[^\]]+\]) *=[^=]|exitCode|on\(|chdir)|\bdelete process\.env|\bglobalThis\.\w+ *=[^=]/.test(
    text,
  );

/**
 * Groups of files for one process each, the longest first, so that none is left for the end alone.
 * @param {{ file: string, milliseconds: number, isAlone: boolean }[]} files
 * @param {number} [processes] how many run at the same time
 * @returns {string[][]}
 */
export function groupsOf(files, processes = PROCESSES) {
  const sorted = files.toSorted((a, b) => b.milliseconds - a.milliseconds);
  const alone = sorted.filter(({ isAlone }) => isAlone).map((each) => ({ ...each, files: [each.file] }));
  const shared = sorted.filter(({ isAlone }) => !isAlone);
  const count = Math.min(shared.length, Math.max(processes, Math.ceil(shared.length / FILES_AT_MOST)));
  const groups = Array.from({ length: count }, () => ({ milliseconds: 0, files: /** @type {string[]} */ ([]) }));
  for (const { file, milliseconds } of shared) {
    const free = groups.filter((group) => group.files.length < FILES_AT_MOST);
    const group = free.reduce((least, each) => (each.milliseconds < least.milliseconds ? each : least));
    group.milliseconds += milliseconds;
    group.files.push(file);
  }
  return [...alone, ...groups].toSorted((a, b) => b.milliseconds - a.milliseconds).map((group) => group.files);
}

/** @returns {Record<string, number>} */
function readDurations() {
  try {
    return JSON.parse(readReport(DURATIONS) ?? '{}');
  } catch {
    // Written by a run that was ended in the middle. It only decides the order.
    return {};
  }
}

/**
 * @param {string[]} files
 * @param {string} scratch a folder for reports, and for what tests write
 * @param {{ write?: (text: string) => void, processes?: number, alone?: boolean, timeoutMs?: number, env?: Record<string, string> }} [options]
 *   `write` gets what each process printed, whole; `alone`: no files share one
 * @returns {Promise<{ passed: number, failed: number, skipped: number }[]>}
 */
export async function runNodeTests(files, scratch, options = {}) {
  const { write = (text) => void process.stdout.write(text), processes = PROCESSES, alone = false } = options;
  const { timeoutMs = TIMEOUT_MS, env = {} } = options;
  /** @type {Record<string, number>} */
  const durations = { ...LONG, ...readDurations() };
  const nameOf = (/** @type {string} */ file) => path.relative(root, path.resolve(root, file));
  const waiting = groupsOf(
    files.map((file) => {
      const text = readFileSync(path.resolve(root, file), 'utf8');
      // Of a file that was never run only its length is known.
      const milliseconds = durations[nameOf(file)] ?? text.length;
      return { file, milliseconds, isAlone: alone || needsOwnProcess(text) };
    }),
    processes,
  );
  /** @type {{ passed: number, failed: number, skipped: number }[]} */
  const parts = [];
  /** @type {string[]} */
  const crashed = [];
  let reports = 0;

  /** @param {string[]} group */
  async function runGroup(group, isSecond = false) {
    const report = path.join(scratch, `node-${reports++}.json`);
    const { code, output } = await run(
      node24(),
      [
        '--test',
        ...(group.length > 1 ? ['--test-isolation=none'] : []),
        `--test-timeout=${timeoutMs}`,
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        `--test-reporter=${inRoot('scripts/lib/reporter.mjs')}`,
        `--test-reporter-destination=${report}`,
        ...group,
      ],
      { env: { TMPDIR: scratch, NODE_COMPILE_CACHE: COMPILED, ...env } },
    );
    write(output);
    const counted = fromNodeTest(readReport(report));
    rmSync(report, { force: true });
    Object.assign(
      durations,
      Object.fromEntries(Object.entries(counted.durations).map(([file, ms]) => [nameOf(file), ms])),
    );
    if (counted.crashed && !isSecond) crashed.push(...group);
    else parts.push({ ...counted, ...withCode(counted, code) });
  }

  const work = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) await runGroup(group);
  };
  await Promise.all(Array.from({ length: processes }, work));

  // V8 sometimes aborts where WebAssembly code is freed, which every close of an embedded database does
  // (github.com/nodejs/node/issues/64500). The files it took along are run again, once; a test that fails is not.
  if (crashed.length > 0) write(`\nThe runtime crashed in one of ${crashed.map(nameOf).join(', ')}: once again\n`);
  for (const file of crashed) await runGroup([file], true);
  mkdirSync(path.dirname(DURATIONS), { recursive: true });
  writeFileSync(DURATIONS, JSON.stringify(durations));
  return parts;
}
