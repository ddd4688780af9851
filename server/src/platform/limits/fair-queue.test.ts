import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turnOver } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { createFairQueue } from './fair-queue.ts';

const build = (concurrency = 1, maxWaiting = { perKey: 100, all: 1_000 }) => {
  const queue = createFairQueue({ classes: ['question', 'ingest'], concurrency, maxWaiting });
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run({ class: 'ingest', key: 'gate' }, () => gate.promise);
  const add = (className: 'question' | 'ingest', key: string, name: string, signal?: AbortSignal) =>
    queue.run({ class: className, key, signal }, async () => {
      order.push(name);
      await turnOver();
    });
  return { queue, order, add, first, open: gate.resolve };
};

test('the urgent come first, then key after key, each in its own order', async () => {
  const { order, add, first, open } = build();
  const all = [
    ...[1, 2, 3, 4].map((n) => add('ingest', 'big', `big ${n}`)),
    add('ingest', 'small', 'small 1'),
    add('question', 'big', 'asked by big'),
    add('question', 'small', 'asked by small'),
    add('question', 'big', 'asked by big again'),
    add('ingest', 'small', 'small 2'),
  ];
  open();
  await Promise.all([first, ...all]);
  assert.deepEqual(order, [
    'asked by big',
    'asked by small',
    'asked by big again',
    'big 1',
    'small 1',
    'big 2',
    'small 2',
    'big 3',
    'big 4',
  ]);
});

test('never more at once than it was told, and a piece that fails gives its turn back', async () => {
  const queue = createFairQueue({ classes: ['only'], concurrency: 2, maxWaiting: { perKey: 50, all: 50 } });
  let [running, most] = [0, 0];
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, at) =>
      queue.run({ class: 'only', key: `k${at % 3}` }, async () => {
        running += 1;
        most = Math.max(most, running);
        await turnOver();
        running -= 1;
        if (at % 4 === 0) throw new Error('broken');
        return at;
      }),
    ),
  );
  assert.equal(most, 2);
  assert.equal(results.filter((result) => result.status === 'rejected').length, 5);
  assert.equal(queue.waiting(), 0);
});

test('too much under one key is refused to that key alone', async () => {
  const { add, first, open } = build(1, { perKey: 2, all: 4 });
  const taken = [add('ingest', 'greedy', '1'), add('ingest', 'greedy', '2')];
  const isUnavailable = (error: unknown) => error instanceof AppError && error.status === 503 && error.retryAfter === 5;
  await assert.rejects(add('ingest', 'greedy', '3'), isUnavailable);
  taken.push(add('ingest', 'modest', '4'), add('question', 'greedy', '5'));
  await assert.rejects(add('ingest', 'other', '6'), isUnavailable, 'all together are bounded as well');
  open();
  await Promise.all([first, ...taken]);
});

test('whoever stops waiting takes no turn', async () => {
  const { queue, order, add, first, open } = build();
  const stop = new AbortController();
  const reason = new Error('nobody waits any more');
  const given = add('ingest', 'a', 'given up', stop.signal);
  const kept = add('ingest', 'a', 'kept');
  stop.abort(reason);
  await assert.rejects(given, (error) => error === reason);
  await assert.rejects(add('ingest', 'a', 'too late', stop.signal), (error) => error === reason);
  assert.equal(queue.waiting(), 1);
  open();
  await Promise.all([first, kept]);
  assert.deepEqual(order, ['kept']);
});
