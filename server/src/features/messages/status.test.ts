import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laterStatus, MessageStatus, statusFollows, statusesBefore } from '@parley/contract';

test('a status only moves on, fails from pending and sent alone, and stays failed', () => {
  const all = MessageStatus.options;
  const moves = all.flatMap((from) => all.filter((to) => statusFollows(from, to)).map((to) => `${from} ${to}`));
  assert.deepEqual(moves.sort(), [
    'delivered read',
    'pending delivered',
    'pending failed',
    'pending read',
    'pending sent',
    'sent delivered',
    'sent failed',
    'sent read',
  ]);
  assert.deepEqual(statusesBefore('failed'), ['pending', 'sent']);
});

test('of two copies the later one counts, and a retry begins anew', () => {
  const status = (known: [MessageStatus, number?], incoming: [MessageStatus, number?]) =>
    laterStatus({ status: known[0], retries: known[1] }, { status: incoming[0], retries: incoming[1] });
  assert.equal(status(['read'], ['delivered']), 'read');
  assert.equal(status(['sent'], ['failed']), 'failed');
  assert.equal(status(['failed'], ['delivered']), 'failed');
  assert.equal(status(['delivered'], ['failed']), 'delivered');
  assert.equal(status(['failed'], ['pending', 1]), 'pending');
  assert.equal(status(['sent', 1], ['failed']), 'sent');
});
