import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGroupCommit } from './group-commit.ts';

describe('writes that share a commit', () => {
  it('fails a bad entry alone', async () => {
    const commit = createGroupCommit<string, string>({
      write: async (_batchKey, entries) => {
        if (entries.includes('bad')) throw new Error('refused');
        return entries;
      },
      keys: () => [],
      maxBatch: 10,
      concurrency: 1,
    });
    const outcomes = await Promise.allSettled(['first', 'good', 'bad', 'fine'].map((entry) => commit('key', entry)));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('keeps nobody waiting for the others when all fail', async () => {
    const release = Promise.withResolvers<void>();
    let waiting = 0;
    const commit = createGroupCommit<number, number>({
      write: async (_batchKey, entries) => {
        if (entries.length === 1 && entries[0] !== 0) {
          waiting += 1;
          if (waiting === 20) release.resolve();
          await release.promise;
        }
        throw new Error('away');
      },
      keys: () => [],
      maxBatch: 50,
      concurrency: 1,
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 21 }, (_, entry) => commit('key', entry)));
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected'));
  });

  it('answers every entry with its own result, in few writes', async () => {
    let writes = 0;
    const commit = createGroupCommit<number, number>({
      write: async (_batchKey, entries) => {
        writes += 1;
        await new Promise(setImmediate);
        return entries.map((entry) => entry * 2);
      },
      keys: () => [],
      maxBatch: 50,
      concurrency: 1,
    });
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    assert.deepEqual(
      await Promise.all(numbers.map((entry) => commit('key', entry))),
      numbers.map((entry) => entry * 2),
    );
    assert.equal(writes, 2);
  });

  it('writes what shares a key in its order, and the rest beside it', async () => {
    const begun: string[] = [];
    const gates: (() => void)[] = [];
    const commit = createGroupCommit<string, string>({
      write: async (_batchKey, entries) => {
        begun.push(...entries);
        await new Promise<void>((resolve) => gates.push(resolve));
        return entries;
      },
      keys: (entry) => [entry.slice(0, 1)],
      maxBatch: 2,
      concurrency: 2,
    });
    const all = Promise.all(['a1', 'a2', 'a3', 'b1', 'a4', 'b2'].map((entry) => commit('key', entry)));
    assert.deepEqual(begun, ['a1', 'b1'], 'b1 does not wait for what waits for a1');
    // The later write ends first, again and again: nobody may overtake by it.
    for (; gates.length > 0; await new Promise(setImmediate)) gates.pop()?.();
    await all;
    for (const key of ['a', 'b']) {
      const order = begun.filter((entry) => entry.startsWith(key));
      assert.deepEqual(order, order.toSorted());
    }
    assert.equal(begun.length, 6);
  });

  it('keeps the order of a key when a group fails and its entries go alone', async () => {
    const done: string[] = [];
    const commit = createGroupCommit<string, string>({
      write: async (_batchKey, entries) => {
        if (entries.length > 1) throw new Error('refused together');
        // The first of them takes longest.
        for (let turns = entries[0] === 'a2' ? 20 : 1; turns > 0; turns--) await new Promise(setImmediate);
        done.push(...entries);
        return entries;
      },
      keys: (entry) => [entry.slice(0, 1)],
      maxBatch: 10,
      concurrency: 1,
    });
    await Promise.all(['x', 'a2', 'a3', 'b1'].map((entry) => commit('key', entry)));
    assert.ok(done.indexOf('a2') < done.indexOf('a3'));
    assert.ok(done.indexOf('b1') < done.indexOf('a3'), 'another key does not wait');
  });
});
