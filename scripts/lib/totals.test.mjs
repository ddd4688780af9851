import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { inRoot } from './paths.mjs';
import { fromNodeTest, fromVitest, line, readReport, sum, withCode } from './totals.mjs';

test('a runner that wrote nothing has failed', () => {
  assert.deepEqual(fromNodeTest(null), { passed: 0, failed: 1, skipped: 0, crashed: true, durations: {} });
  assert.deepEqual(fromVitest(null), { passed: 0, failed: 1, skipped: 0 });
});

test('a Vitest file that does not load is a failure without a failed test', () => {
  const report = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0, success: false };
  assert.deepEqual(fromVitest(JSON.stringify(report)), { passed: 3, failed: 1, skipped: 1 });
});

test('a bad exit without a named failure counts once, a named failure is not counted twice', () => {
  assert.deepEqual(withCode({ passed: 5, failed: 0 }, 7), { passed: 5, failed: 1 });
  assert.deepEqual(withCode({ passed: 5, failed: 2 }, 1), { passed: 5, failed: 2 });
  assert.deepEqual(withCode({ passed: 5, failed: 0 }, 0), { passed: 5, failed: 0 });
});

test('the totals of several runners are one line', () => {
  assert.equal(
    line(
      sum([
        { passed: 2, failed: 0 },
        { passed: 3, failed: 1 },
      ]),
    ),
    '5 passed, 1 failed',
  );
  assert.equal(line(sum([])), '0 passed, 0 failed');
});

test('the counts of a real node --test run over several files are read', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-totals-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (/** @type {string} */ name, /** @type {string} */ body) => {
    writeFileSync(path.join(folder, name), `import { test } from 'node:test';\n${body}`);
    return path.join(folder, name);
  };
  const files = [
    file('good.test.mjs', `test('a', () => {}); test('b', () => {});`),
    file('bad.test.mjs', `test('c', () => { throw new Error('c'); });`),
    file('broken.test.mjs', `import './absent.mjs';`),
    file('crashed.test.mjs', `process.kill(process.pid, 'SIGTRAP'); await new Promise(setImmediate);`),
  ];
  const report = path.join(folder, 'report.json');
  const reporter = `--test-reporter=${inRoot('scripts/lib/reporter.mjs')}`;
  const args = ['--test', reporter, `--test-reporter-destination=${report}`];
  // The runner that runs this test tells its children who they are; a runner of its own must not believe it.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const bad = spawnSync(process.execPath, [...args, ...files], { env });
  assert.notEqual(bad.status, 0);
  const read = () => {
    const { durations, ...counts } = fromNodeTest(readReport(report));
    return { ...counts, timed: Object.keys(durations).sort() };
  };
  assert.deepEqual(read(), { passed: 2, failed: 3, skipped: 0, crashed: true, timed: files.toSorted() });
  execFileSync(process.execPath, [...args, String(files[0])], { env });
  assert.deepEqual(read(), { passed: 2, failed: 0, skipped: 0, crashed: false, timed: [files[0]] });
});
