import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { currentRequestId, runWithContext } from '../telemetry/log.ts';
import { createWake } from './wake.ts';

test('a failing listener is reported and stops neither the others nor the caller', async () => {
  const failures: string[] = [];
  const heard: string[] = [];
  const { on, wake } = createWake((error, topic, key) => failures.push(`${String(error)} ${topic} ${key}`));
  on('turn', () => {
    throw new Error('sync');
  });
  on('turn', async () => {
    throw new Error('async');
  });
  on('turn', (key) => void heard.push(key));
  wake('turn', 'a');
  await nextTurn();
  assert.deepEqual(failures, ['Error: sync turn a', 'Error: async turn a']);
  assert.deepEqual(heard, ['a']);
});

test('nobody listening, another topic, and after stopping: nothing happens', async () => {
  const heard: string[] = [];
  const { on, wake } = createWake();
  wake('turn', 'a');
  const stop = on('turn', (key) => void heard.push(key));
  wake('delivery', 'a');
  stop();
  stop();
  wake('turn', 'a');
  await nextTurn();
  assert.deepEqual(heard, []);
});

test('waking returns first; a key woken often runs once, and again when woken later', async () => {
  const heard: string[] = [];
  const { on, wake } = createWake();
  on('turn', (key) => {
    heard.push(key);
    if (heard.length === 1) wake('turn', key);
  });
  for (const key of ['a', 'a', 'b', 'a']) wake('turn', key);
  assert.deepEqual(heard, []);
  await nextTurn();
  await nextTurn();
  assert.deepEqual(heard, ['a', 'b', 'a']);
});

test('the work carries the id of the request that woke it', async () => {
  const heard: (string | undefined)[] = [];
  const { on, wake } = createWake();
  on('turn', () => void heard.push(currentRequestId()));
  runWithContext({ requestId: 'r1' }, () => wake('turn', 'a'));
  await nextTurn();
  assert.deepEqual(heard, ['r1']);
});
