/**
 * Business time has one source, `kit.clock`, and stands in SQL as a parameter (docs/decisions/0034-one-clock.md). What reads the
 * time of the machine or of the database is refused in the server outside the platform, unless the file says why it may, in a line
 * `// Real time: <why>`.
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
  const found = [...new Set(clocksIn(text))];
  const isSaid = /^\/\/ Real time: \S/m.test(text);
  if (isSaid && found.length === 0) return [`${file}: says it reads real time, and does not`];
  if (isSaid) return [];
  return found.map((each) => `${file}: ${each} is not the business time: take it from the clock (tx.now, store.clock)`);
}

/** Everything that is wrong in the repository. */
export const clockOffences = () =>
  filesBelow('server/src', (file) => file.endsWith('.ts')).flatMap((file) => otherClocks(file, readOrNull(file) ?? ''));
