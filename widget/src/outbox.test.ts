import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemory } from './memory.ts';
import { createOutbox } from './outbox.ts';

/** What a browser keeps, as far as we use it. */
function storage(): Storage {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
    clear: () => values.clear(),
  };
}

describe('outbox', () => {
  it('takes nothing from a storage somebody else has written into', () => {
    const store = storage();
    for (const text of ['{', '3', '[null, 1, {"clientId":1}]', '{"a":1}']) {
      store.setItem('parley:a:outbox', text);
      assert.deepEqual(createOutbox(createMemory('a', () => store)).list(), []);
    }
  });

  it('works where storage is forbidden', () => {
    const memory = createMemory('a', () => {
      throw new Error('denied');
    });
    const outbox = createOutbox(memory);
    outbox.add('1', 'hello', []);
    assert.deepEqual(
      outbox.list().map((each) => each.text),
      ['hello'],
    );
  });

  it('survives a reload in order, and keeps inboxes apart', () => {
    const store = storage();
    const before = createOutbox(createMemory('a', () => store));
    before.add('1', 'one', []);
    before.add('2', 'two', []);
    const after = createOutbox(createMemory('a', () => store));
    assert.deepEqual(
      after.list().map((each) => each.clientId),
      ['1', '2'],
    );
    assert.deepEqual(createOutbox(createMemory('b', () => store)).list(), []);
    after.remove('1');
    assert.deepEqual(
      before.list().map((each) => each.clientId),
      ['2'],
    );
  });

  it('tries again after a reload, but not what is older than a day', () => {
    const outbox = createOutbox(createMemory('a', storage));
    const shared = storage();
    const kept = createOutbox(createMemory('a', () => shared));
    const { at } = kept.add('1', 'one', []);
    kept.mark('1', 'The server did not answer.');
    kept.wake(at + 1000);
    assert.equal(kept.list()[0]?.error, null);
    kept.wake(at + 90_000_000);
    assert.equal(kept.list()[0]?.error, '');
    assert.deepEqual(outbox.list(), []);
  });
});
