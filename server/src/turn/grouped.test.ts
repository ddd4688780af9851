import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGrouped } from './grouped.ts';

describe('writes that share a commit', () => {
  it('fails a bad entry alone', async () => {
    const grouped = createGrouped<string, string>({
      write: async (_lane, entries) => {
        if (entries.includes('bad')) throw new Error('refused');
        return entries;
      },
      most: 10,
      atOnce: 1,
    });
    const outcomes = await Promise.allSettled(['first', 'good', 'bad', 'fine'].map((entry) => grouped('lane', entry)));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('keeps nobody waiting for the others when all fail', async () => {
    const release = Promise.withResolvers<void>();
    let waiting = 0;
    const grouped = createGrouped<number, number>({
      write: async (_lane, entries) => {
        if (entries.length === 1 && entries[0] !== 0) {
          waiting += 1;
          if (waiting === 20) release.resolve();
          await release.promise;
        }
        throw new Error('away');
      },
      most: 50,
      atOnce: 1,
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 21 }, (_, entry) => grouped('lane', entry)));
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected'));
  });

  it('answers every entry with its own result, in few writes', async () => {
    let writes = 0;
    const grouped = createGrouped<number, number>({
      write: async (_lane, entries) => {
        writes += 1;
        await new Promise(setImmediate);
        return entries.map((entry) => entry * 2);
      },
      most: 50,
      atOnce: 1,
    });
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    assert.deepEqual(
      await Promise.all(numbers.map((entry) => grouped('lane', entry))),
      numbers.map((entry) => entry * 2),
    );
    assert.equal(writes, 2);
  });
});
