import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { builds } from './preload/broken.ts';
import { observations } from './preload/observe.ts';

const patches = [...Object.values(builds).flat(), ...observations];

/** A patch of a file that is never loaded would change nothing, and say nothing. */
for (const { file, from, times = 1 } of patches) {
  test(`${file} has the text that is patched: ${from}`, () => {
    const text = readFileSync(new URL(`../server/src${file}`, import.meta.url), 'utf8');
    assert.equal(text.split(from).length - 1, times);
  });
}
