/**
 * `npm run check [-- step …]`: everything that can be said about the code without running it. Two steps at a time,
 * every result shown, non-zero when any failed. Ends with `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { ensure } from './ensure.mjs';
import { inRoot, node24 } from './lib/paths.mjs';
import { run, seconds } from './lib/run.mjs';
import { line } from './lib/totals.mjs';

await ensure();
const { offences } = await import('./arrows.mjs');
const { clockOffences } = await import('./clocks.mjs');
const { nounOffences } = await import('./new-feature.mjs');
const { unreadInbound } = await import('./readers.mjs');
const { tableOffences } = await import('./tables.mjs');
const {
  deadLinks,
  emitsElsewhere,
  fixedSleeps,
  isWritten,
  length,
  machinePaths,
  readOrNull,
  switchedOffTests,
  trackedFiles,
} = await import('./text.mjs');

/** @typedef {{ code: number, output: string, note?: string }} Result */
/** @typedef {{ name: string, work: () => Promise<Result>, wanted?: () => boolean }} Step */

/** @param {string} file path below node_modules @param {string[]} args @returns {() => Promise<Result>} */
const tool = (file, args) => () => run(node24(), [inRoot('node_modules', file), ...args]);

/** @param {string[]} lines @returns {Result} */
const linesResult = (lines) => ({ code: lines.length > 0 ? 1 : 0, output: lines.join('\n') });

const files = trackedFiles();
const texts = files.filter(isWritten).map((file) => ({ file, text: readOrNull(file) ?? '' }));

/** @param {(file: string, text: string) => string[]} rule @returns {() => Promise<Result>} */
const everyFile = (rule) => async () => linesResult(texts.flatMap(({ file, text }) => rule(file, text)));

/** @param {string} project a tsconfig */
const types = (project) => ({
  name: `types of ${project.split('/').at(-2)}`,
  wanted: () => existsSync(inRoot(project)),
  work: tool('typescript/bin/tsc', ['--noEmit', '-p', project]),
});

/** The slow ones first: they decide how long it takes. @type {Step[]} */
const steps = [
  { name: 'lint', work: tool('oxlint/bin/oxlint', ['--type-aware', '--format=unix', '.']) },
  types('server/tsconfig.json'),
  {
    name: 'types of dashboard',
    wanted: () => existsSync(inRoot('dashboard/tsconfig.json')),
    work: tool('vue-tsc/bin/vue-tsc.js', ['--noEmit', '-p', 'dashboard/tsconfig.json']),
  },
  { name: 'format', work: tool('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']) },
  types('packages/contract/tsconfig.json'),
  types('widget/tsconfig.json'),
  types('scripts/tsconfig.json'),
  types('e2e/tsconfig.json'),
  { name: 'dead code', work: tool('knip/bin/knip.js', ['--no-progress', '--no-config-hints']) },
  { name: 'readers of inbound events', work: async () => linesResult(unreadInbound()) },
  { name: 'settings described', work: () => run(node24(), [inRoot('scripts/settings.mjs'), '--check']) },
  { name: 'arrows between folders', work: async () => linesResult(await offences()) },
  { name: 'cost of a new noun', work: async () => linesResult(nounOffences()) },
  {
    name: 'file length',
    work: async () => {
      const found = texts.map(({ file, text }) => length(file, text));
      const warnings = found.flatMap((each) => each.warnings);
      return { ...linesResult(found.flatMap((each) => each.errors)), note: warnings.join('\n') };
    },
  },
  { name: 'paths of one machine', work: everyFile(machinePaths) },
  { name: 'owners of tables', work: async () => linesResult(tableOffences()) },
  { name: 'one clock', work: async () => linesResult(clockOffences()) },
  { name: 'one place emits', work: everyFile(emitsElsewhere) },
  { name: 'tests switched off', work: everyFile(switchedOffTests) },
  { name: 'sleeps in tests', work: everyFile(fixedSleeps) },
  { name: 'links in Markdown', work: everyFile((file, text) => deadLinks(file, text, readOrNull)) },
];

const asked = process.argv.slice(2);
const queue = steps.filter(
  (step) => (step.wanted?.() ?? true) && (asked.length === 0 || asked.some((part) => step.name.includes(part))),
);
const total = queue.length;
/** @type {{ name: string, output: string }[]} */
const failures = [];

async function worker() {
  for (let step = queue.shift(); step; step = queue.shift()) {
    const started = performance.now();
    const { code, output, note } = await step.work();
    const mark = code === 0 ? 'ok  ' : 'FAIL';
    console.log(`${mark}  ${step.name.padEnd(24)} ${seconds(performance.now() - started).padStart(7)}`);
    if (note) console.log(note.replace(/^/gm, '      '));
    if (code !== 0) failures.push({ name: step.name, output });
  }
}

const started = performance.now();
await Promise.all([worker(), worker()]);
for (const { name, output } of failures) console.log(`\n── ${name}\n${output.trimEnd()}`);
console.log(`\n${seconds(performance.now() - started)}`);
console.log(line({ passed: total - failures.length, failed: failures.length }));
process.exitCode = failures.length > 0 ? 1 : 0;
