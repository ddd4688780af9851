import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/until.ts';
import { createMemoryHistory } from './recovery-memory.ts';

const limits = { events: 100, letters: 50_000, ttlMs: 60_000 };
const names = (events: { said: unknown[] }[] | undefined) => events?.map(({ said }) => said[0]);

test('what comes after an offset, in order; an offset of nobody, or of another process, is not known', async () => {
  const { history, note } = createMemoryHistory(limits);
  const first = note(['a'], ['one']);
  note(['b'], ['two']);
  const last = note(['a'], ['three']);
  assert.deepEqual(names(await history.after(first)), ['two', 'three']);
  assert.deepEqual(await history.after(last), []);
  const other = createMemoryHistory(limits);
  other.note(['a'], ['one']);
  for (const wrong of ['1-1', 'x', '', `${first.split('-')[0]}-9`, `${first}x`])
    assert.equal(await history.after(wrong), undefined, wrong);
  assert.equal(await other.history.after(first), undefined);
});

test('its memory is bounded by number, by size and by time: what fell out is told as unknown, not as nothing', async () => {
  const many = createMemoryHistory(limits);
  const early = many.note(['a'], ['early']);
  for (let count = 0; count < 10_000; count += 1) many.note(['a'], ['event', { text: 'short' }]);
  assert.ok(many.size().events <= 111, String(many.size().events));
  assert.equal(await many.history.after(early), undefined);
  const recent = many.note(['a'], ['recent']);
  many.note(['a'], ['last']);
  assert.deepEqual(names(await many.history.after(recent)), ['last']);

  const large = createMemoryHistory(limits);
  for (let count = 0; count < 90; count += 1) large.note(['a'], ['event', { message: { text: 'x'.repeat(10_000) } }]);
  assert.ok(large.size().letters <= 50_000, String(large.size().letters));

  const short = createMemoryHistory({ ...limits, ttlMs: 20 });
  short.history.keep({ pid: 'p', sid: 's', identity: 'i', rooms: [] });
  const before = short.note(['a'], ['event']);
  short.note(['a'], ['event']);
  await until(async () => (await short.history.after(before)) === undefined, 'the event is forgotten');
  // Kept before it, and for as long.
  assert.equal(await short.history.take('p'), undefined);
});

test('a lost connection can be taken once', async () => {
  const { history } = createMemoryHistory(limits);
  history.keep({ pid: 'p', sid: 's', identity: 'i', rooms: ['r'] });
  assert.equal((await history.take('p'))?.identity, 'i');
  assert.equal(await history.take('p'), undefined);
});
