import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { createWake } from '../cluster/wake.ts';
import { newId } from '../data/ids.ts';
import { createStore } from '../data/tenant.ts';
import { createLogger } from '../telemetry/log.ts';
import { realClock } from './clock.ts';
import { followDatabase } from './database-clock.ts';
import { CLOCK_SET, openTestClock } from './test-clock.ts';

const log = createLogger({ level: 'fatal' });
const LATER = new Date('2060-05-01T12:00:00Z');
const isLater = (ms: number): boolean => ms >= LATER.getTime() && ms < LATER.getTime() + 60_000;

let test: TestDatabase;
before(async () => {
  test = await createTestDatabase();
});
after(() => test.remove());

const open = (wake = createWake()) => openTestClock({ database: test.database, wake, log });

it('the real clock is never set and takes the word of the world outside', () => {
  realClock.onSet(() => assert.fail());
  assert.ok(Math.abs(realClock.ms() - Date.now()) < 1_000);
  assert.equal(realClock.ofOutside('2020-01-01T00:00:00Z'), '2020-01-01T00:00:00Z');
});

it('is that of the database, also on a machine whose own is wrong', async (context) => {
  const embedded = test.database.kind === 'embedded';
  const ahead = 90_000;
  const started = Date.now();
  context.mock.timers.enable({ apis: ['Date'], now: started + ahead });
  const clock = await followDatabase(test.database, log);
  const difference = clock.ms() - started;
  // The embedded database runs in this process: there is one clock, right or wrong.
  if (embedded) assert.equal(difference, ahead);
  else assert.ok(Math.abs(difference) < 10_000, String(difference));
  assert.equal(clock.now().getTime(), clock.ms());
  clock.close();
});

it('goes on from where it was set, for ids and for whoever starts later, until it is set back', async () => {
  const clock = await open();
  assert.ok(Math.abs(clock.ms() - Date.now()) < 1_000);
  let heard = 0;
  clock.onSet(() => void heard++);
  await clock.set(LATER);
  assert.ok(isLater(clock.ms()) && heard === 1);
  assert.ok(isLater(Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16)));

  const another = await open();
  assert.ok(isLater(another.ms()));
  const store = createStore(test.database, undefined, undefined, another);
  const now = await store.asSystem(async (tx) => tx.now);
  assert.ok(isLater(now.getTime()), 'a transaction has its time');
  await another.set(new Date());
  assert.ok(Math.abs(another.ms() - Date.now()) < 1_000);
  for (const one of [clock, another]) one.close();
});

it('hears of other processes', async () => {
  const wake = createWake();
  const [one, other] = [await open(), await open(wake)];
  other.start();
  await one.set(LATER);
  assert.ok(!isLater(other.ms()));
  const set = new Promise<void>((resolve) => other.onSet(resolve));
  wake.notifyLocal(CLOCK_SET, 'all');
  await set;
  assert.ok(isLater(other.ms()));
  for (const clock of [one, other]) clock.close();
});

it('translates what the world outside says, and leaves alone what is in its own time', async () => {
  const clock = await open();
  await clock.set(LATER);
  const realNow = Date.now();
  const told = clock.ofOutside(new Date(realNow - 3_600_000).toISOString());
  assert.ok(isLater(Date.parse(told) + 3_600_000), told);
  const own = clock.now();
  assert.ok(Math.abs(Date.parse(clock.ofOutside(own.toISOString())) - own.getTime()) < 5_000);
  clock.close();
});
