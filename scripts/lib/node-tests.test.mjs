import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { groupsOf, needsOwnProcess, runNodeTests } from './node-tests.mjs';

test('a file gets a process of its own when it changes what a process has one of', () => {
  for (const text of [
    "// Own process: it counts the process's handles.\n",
    'before(() => {});\n',
    '  afterEach(() => {});\nafter(() => {});\n',
    "process.env.TZ = 'UTC';",
    "process.env['TZ'] = 'UTC';",
    'delete process.env.TZ;',
    'globalThis.fetch = other;',
    "process.on('warning', note);",
  ])
    assert.equal(needsOwnProcess(text), true, text);
  for (const text of [
    "describe('a', () => {\n  before(() => {});\n});",
    "if (process.env.TZ === 'UTC') run();",
    'const { TZ } = process.env;',
  ])
    assert.equal(needsOwnProcess(text), false, text);
});

test('every file is in one group, the longest group first, and no group is larger than twenty', () => {
  const files = Array.from({ length: 90 }, (_unused, index) => ({
    file: `${index}.test.ts`,
    milliseconds: index === 3 ? 50_000 : index * 100,
    isAlone: index % 10 === 0,
  }));
  const groups = groupsOf(files);
  assert.deepEqual(groups.flat().sort(), files.map(({ file }) => file).sort());
  assert.ok(groups.every((group) => group.length <= 20));
  assert.ok(groups[0]?.includes('3.test.ts'));
  for (const { file, isAlone } of files)
    if (isAlone)
      assert.deepEqual(
        groups.find((group) => group.includes(file)),
        [file],
      );
  assert.deepEqual(groupsOf([]), []);
});

test('files that share a process are counted, and one that takes it along is run again with its neighbours', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-groups-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (/** @type {string} */ name, /** @type {string} */ body) => {
    writeFileSync(path.join(folder, name), `import { test } from 'node:test';\n${body}`);
    return path.join(folder, name);
  };
  const files = [
    file('a.test.mjs', "test('a', () => {});"),
    file('b.test.mjs', "test('b', () => { throw new Error('b'); });"),
    // Falls over the first time only, as the runtime does.
    file(
      'c.test.mjs',
      `import { existsSync, writeFileSync } from 'node:fs';
       const mark = ${JSON.stringify(path.join(folder, 'fell'))};
       test('c', async () => {
         if (existsSync(mark)) return;
         writeFileSync(mark, '');
         process.kill(process.pid, 'SIGTRAP');
         await new Promise(() => {});
       });`,
    ),
  ];
  /** @type {string[]} */
  const written = [];
  const parts = await runNodeTests(files, folder, { write: (text) => void written.push(text), processes: 1 });
  const sum = (/** @type {'passed' | 'failed'} */ key) => parts.reduce((all, part) => all + part[key], 0);
  assert.deepEqual([sum('passed'), sum('failed')], [2, 1]);
  const [told = ''] = /The runtime crashed in one of .*: once again/.exec(written.join('')) ?? [];
  for (const name of ['a', 'b', 'c']) assert.ok(told.includes(`${name}.test.mjs`), told);
});
