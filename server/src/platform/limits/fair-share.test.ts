import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFairShare } from './fair-share.ts';

/** Work that ends when it is told to, by name. */
function stage(slots: number) {
  const share = createFairShare(slots);
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const done: Promise<unknown>[] = [];
  return {
    share,
    began,
    add(group: string, name: string) {
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      done.push(
        share.run(group, async () => {
          began.push(name);
          await promise;
        }),
      );
    },
    async end(name: string) {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
    async endAll() {
      for (const end of ends.values()) end();
      await Promise.all(done);
    },
  };
}

describe('a fair share', () => {
  it('leaves room beside a flood, and runs what comes into it at once', async () => {
    const { add, began, endAll, share } = stage(4);
    for (let index = 0; index < 200; index++) add('flood', `flood ${index}`);
    add('neighbour', 'question');
    assert.deepEqual(began, ['flood 0', 'flood 1', 'flood 2', 'question']);
    assert.equal(share.waiting(), 197);
    await endAll();
    assert.equal(began.length, 201);
    assert.equal(share.waiting(), 0);
  });

  it('gives a free place to whoever has fewest, in turn among equals, and in order inside a group', async () => {
    const { add, began, end, endAll } = stage(4);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) add('a', name);
    add('b', 'b1');
    for (const name of ['b2', 'b3', 'c1', 'c2']) add(name.slice(0, 1), name);
    assert.deepEqual(began, ['a1', 'a2', 'a3', 'b1']);
    for (const name of ['a1', 'a2', 'a3', 'b1']) await end(name);
    assert.deepEqual(began.slice(4), ['c1', 'a4', 'b2', 'c2']);
    await endAll();
  });

  it('takes failures for ends', async () => {
    const share = createFairShare(1);
    await assert.rejects(
      share.run('a', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await share.run('b', async () => 'yes'), 'yes');
  });
});
