import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/until.ts';
import { stays } from '../../test/stays.ts';
import { createLogger } from './log.ts';
import { createOutage } from './outage.ts';

function listen() {
  const lines: { level: string; msg: string }[] = [];
  const log = createLogger({ level: 'trace' }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { lines, log };
}

test('one warning however many notice, one line when it is over, and again for the next outage', async () => {
  const { lines, log } = listen();
  const state = { away: true, looks: 0 };
  const outage = createOutage({
    log,
    name: 'Redis',
    meaning: 'limits are counted by each process alone',
    lookEveryMs: 5,
    probe: async () => {
      state.looks += 1;
      if (state.away) throw new Error('refused');
    },
  });
  for (let count = 0; count < 50; count += 1) outage.failed(new Error('ECONNREFUSED'));
  await until(async () => state.looks >= 3, 'it is looked for again and again');
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [['warn', 'Redis is away: limits are counted by each process alone']],
  );
  assert.equal(outage.isOn(), true);
  state.away = false;
  await until(async () => !outage.isOn(), 'it is over');
  assert.deepEqual(lines.map(({ msg }) => msg).slice(1), ['Redis is back']);
  const { looks } = state;
  await stays(() => state.looks === looks, 'nobody looks while it is there', 40);
  outage.failed(new Error('again'));
  assert.equal(lines.length, 3);
  outage.close();
  outage.failed(new Error('closed'));
  assert.equal(lines.length, 3);
});
