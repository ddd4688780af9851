import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clocksIn, otherClocks } from './clocks.mjs';

const file = 'server/src/features/notes/commands.ts';

test('whatever reads another clock is refused, and named', () => {
  const offenders = {
    'sql`update notes set updated_at = now()`': 'now()',
    'sql`select * from notes where at < current_timestamp`': 'current_timestamp',
    'sql`select clock_timestamp()`': 'clock_timestamp()',
    'const at = Date.now();': 'Date.now',
    'createIds(Date.now)': 'Date.now',
    'const at = new Date();': 'new Date()',
    "timestamp('at').defaultNow()": '.defaultNow(',
  };
  for (const [text, found] of Object.entries(offenders)) {
    assert.deepEqual(clocksIn(text), [found], text);
    const [offence = '', ...more] = otherClocks(file, text);
    assert.ok(offence.startsWith(`${file}: ${found} is not the business time`), text);
    assert.deepEqual(more, []);
  }
});

test('the clock itself, a moment that is given, durations and comments are not', () => {
  const text = [
    '// not now()',
    '/* nor Date.now() */',
    'tx.now; clock.now(); store.clock.ms(); performance.now(); new Date(at);',
    'sql`updated_at = ${tx.now}`; renow(); known();',
  ].join('\n');
  assert.deepEqual(otherClocks(file, text), []);
});

test('a file that says why may, and says it only when it does', () => {
  assert.deepEqual(otherClocks(file, '// Real time (1): leases.\nsql`lease_until = now()`'), []);
  assert.match(String(otherClocks(file, '// Real time (1): leases.\n')), /says it reads real time 1 times, and does 0/);
  for (const line of ['// Real time (1):', '// Real time: leases.'])
    assert.equal(
      otherClocks(file, `${line}\nsql\`lease_until = now()\``).length,
      1,
      'a reason and a number are needed',
    );
});

test('one more in a file that may is refused, and counted in the same line, too', () => {
  const text = '// Real time (2): leases.\nsql`lease_until = now()`;\nsql`lease_until > now()`;';
  assert.deepEqual(otherClocks(file, text), []);
  assert.match(String(otherClocks(file, `${text}\nconst at = new Date();`)), /does 3 times \(now\(\), new Date\(\)\)/);
  assert.equal(otherClocks(file, text.replace('now()`', 'now() or now() > now()`')).length, 1);
});

test('the platform, placement, tables and tests are free', () => {
  for (const free of ['platform/jobs/jobs.ts', 'placement/move.ts', 'db/schema/columns.ts', 'test/app.ts', 'x.test.ts'])
    assert.deepEqual(otherClocks(`server/src/${free}`, 'new Date()'), [], free);
  assert.equal(otherClocks('server/src/turn/turn.ts', 'new Date()').length, 1);
});
