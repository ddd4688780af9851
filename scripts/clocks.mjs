/**
 * Business time has one source, `kit.clock`, and stands in SQL as a parameter (docs/decisions/0034-one-clock.md). What reads the
 * time of the machine or of the database is refused in the server outside the platform, unless the file says how often it does and
 * why it may, in a line `// Real time (2): <why>`. The number keeps the next one from slipping in beside those that may.
 */
import { filesBelow } from './lib/files.mjs';
import { readOrNull } from './text.mjs';

const isTest = /\.test\.ts$|\/test-[\w-]+\.ts$|^server\/src\/(?:test|ai\/evals)\//;
/** Machinery without business, and the tables' defaults, which are a safety net. */
const isFree = /^server\/src\/(?:platform|placement|db)\//;

const SOURCES = [
  /(?<![.\w])now\(\)/g,
  /\b(?:current_timestamp|current_date|localtimestamp)\b/gi,
  /\b(?:clock|statement|transaction)_timestamp\(\)/gi,
  /\bDate\.now\b/g,
  /\bnew Date\(\s*\)/g,
  /\.defaultNow\(/g,
];

/** What in this text reads another clock. @param {string} text @returns {string[]} */
export function clocksIn(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g, '');
  return SOURCES.flatMap((source) => [...code.matchAll(source)].map(([found]) => found));
}

/** @param {string} file @param {string} text @returns {string[]} */
export function otherClocks(file, text) {
  if (isTest.test(file) || isFree.test(file)) return [];
  const uses = clocksIn(text);
  const found = [...new Set(uses)];
  const said = /^\/\/ Real time \((\d+)\): \S/m.exec(text)?.[1];
  if (said === undefined)
    return found.map(
      (each) => `${file}: ${each} is not the business time: take it from the clock (tx.now, store.clock)`,
    );
  if (Number(said) === uses.length) return [];
  return [
    `${file}: says it reads real time ${said} times, and does ${uses.length} times (${found.join(', ')}): is each of them technical time?`,
  ];
}

/** Everything that is wrong in the repository. */
export const clockOffences = () =>
  filesBelow('server/src', (file) => file.endsWith('.ts')).flatMap((file) => otherClocks(file, readOrNull(file) ?? ''));
