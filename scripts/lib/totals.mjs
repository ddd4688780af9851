/** The one line every runner ends with, so that a larger run can add them up. */

import { existsSync, readFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number }} Totals */

/** What a runner wrote, or null when it wrote nothing. @param {string} file */
export const readReport = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : null);

/** @param {Totals[]} parts @returns {Totals} */
export const sum = (parts) =>
  parts.reduce((all, part) => ({ passed: all.passed + part.passed, failed: all.failed + part.failed }), {
    passed: 0,
    failed: 0,
  });

/** @param {Totals} totals */
export const line = ({ passed, failed }) => `${passed} passed, ${failed} failed`;

/**
 * A runner that went wrong without naming a failed test (a crash, a file that does not load) has failed once.
 * @param {Totals} totals
 * @param {number} code exit code of the runner
 * @returns {Totals}
 */
export const withCode = (totals, code) => (code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals);

/**
 * What `node:test` counted, from the file scripts/lib/reporter.mjs writes.
 * @param {string | null} text null when there is none, because the runtime ended the process that writes it
 * @returns {Totals & { skipped: number, crashed: boolean, durations: Record<string, number> }} `crashed`: the runtime, not
 *   a test, ended a process; `durations`: milliseconds by file
 */
export function fromNodeTest(text) {
  const counts = text ? JSON.parse(text) : null;
  if (!counts) return { passed: 0, failed: 1, skipped: 0, crashed: true, durations: {} };
  const { passed, failed, cancelled, skipped, todo, crashed = false, durations = {} } = counts;
  return { passed, failed: failed + cancelled, skipped: skipped + todo, crashed, durations };
}

/**
 * What Vitest counted, from its JSON report.
 * @param {string | null} text
 * @returns {Totals & { skipped: number }}
 */
export function fromVitest(text) {
  const report = text ? JSON.parse(text) : null;
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  // A file that does not load is a failed suite without a failed test.
  const failed = report.numFailedTests || (report.success ? 0 : 1);
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
}
