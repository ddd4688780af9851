import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { removeLeftovers, scratchRoot } from './scratch.mjs';

test('what tests write goes into memory only where there is room, and nobody named another folder', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-scratch-'));
  try {
    const plenty = { folder, room: 1, memory: 2, named: undefined };
    assert.equal(scratchRoot(plenty), folder);
    assert.equal(scratchRoot({ ...plenty, memory: 1 }), tmpdir());
    assert.equal(scratchRoot({ ...plenty, room: 2 ** 60, memory: 2 ** 62 }), tmpdir());
    assert.equal(scratchRoot({ ...plenty, folder: path.join(folder, 'none') }), tmpdir());
    assert.equal(scratchRoot({ ...plenty, named: tmpdir() }), tmpdir());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the folder of a run that was killed is removed by the next one, the folder of one that lives is not', () => {
  const below = mkdtempSync(path.join(tmpdir(), 'parley-scratch-'));
  try {
    const { pid: ended } = spawnSync(process.execPath, ['-e', '']);
    const [left, used, other] = [`parley-run-${ended}-aaaaaa`, `parley-run-${process.pid}-bbbbbb`, 'something-else'];
    for (const name of [left, used, other]) mkdirSync(path.join(below, name));
    removeLeftovers(below);
    assert.deepEqual(
      [left, used, other].map((name) => existsSync(path.join(below, name))),
      [false, true, true],
    );
  } finally {
    rmSync(below, { recursive: true, force: true });
  }
});
