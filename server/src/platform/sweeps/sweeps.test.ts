import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { gate } from '../../test/talk.ts';
import type { Place } from '../data/tenant.ts';
import { createLogger } from '../telemetry/log.ts';
import { createSweeper } from './sweeps.ts';
import type { Sweep } from './sweeps.ts';

const PERIOD = 1_000;
const placeCalled = (name: string): Place => ({
  name,
  asSystem: () => Promise.reject(new Error('these sweeps ask no database')),
});

/** A sweep that counts its looks, and the most there were at once; `during` is what a look waits for. */
function counted(name: string, during: () => Promise<unknown> = async () => undefined) {
  const looks = { begun: 0, underWay: 0, most: 0 };
  const run = async (): Promise<void> => {
    looks.begun += 1;
    looks.underWay += 1;
    looks.most = Math.max(looks.most, looks.underWay);
    await during().finally(() => (looks.underWay -= 1));
  };
  return { looks, sweep: { name, everyMs: PERIOD, run } satisfies Sweep };
}

describe('sweeps', () => {
  let lines: string[];
  let places: Place[];
  const sweeperOf = (...sweeps: Sweep[]) =>
    createSweeper({
      store: { places: () => places },
      log: createLogger({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
      sweeps,
    });
  /** The period passes so many times, and what was begun comes as far as it can each time. */
  const pass = async (periods = 1): Promise<void> => {
    await settled();
    for (let period = 0; period < periods; period += 1) {
      mock.timers.tick(PERIOD);
      await settled();
    }
  };

  beforeEach(() => {
    lines = [];
    places = [placeCalled('shared')];
    mock.timers.enable({ apis: ['setInterval'] });
  });
  afterEach(() => mock.timers.reset());

  it('one that takes longer than its period is not run twice at once, and holds no other', async () => {
    const { opened, open } = gate();
    const slow = counted('slow', () => opened);
    const quick = counted('quick');
    const sweeper = sweeperOf(slow.sweep, quick.sweep);
    sweeper.start();
    await pass(3);
    assert.deepEqual(slow.looks, { begun: 1, underWay: 1, most: 1 });
    assert.equal(quick.looks.begun, 4, 'at the start and in each period');
    open();
    await pass(2);
    assert.deepEqual(slow.looks, { begun: 3, underWay: 0, most: 1 });
    await sweeper.close();
  });

  it('one that throws is logged by its name, keeps no other from running, and gets its next turn', async () => {
    const broken = counted('broken', () => Promise.reject(new Error('no such table')));
    const throwing: Sweep = {
      name: 'throwing',
      everyMs: PERIOD,
      run: () => {
        throw new Error('before it promised anything');
      },
    };
    const sound = counted('sound');
    const sweeper = sweeperOf(throwing, broken.sweep, sound.sweep);
    sweeper.start();
    await pass(2);
    assert.equal(broken.looks.begun, 3);
    assert.equal(sound.looks.begun, 3);
    for (const [name, message] of [
      ['broken', 'no such table'],
      ['throwing', 'before it promised anything'],
    ])
      assert.equal(lines.filter((line) => line.includes(`"${name}"`) && line.includes(message ?? '')).length, 3, name);
    await sweeper.close();
  });

  it('each place is looked at by itself: one that says nothing or fails keeps no other from its turn', async () => {
    places = ['shared', 'silent', 'failing'].map(placeCalled);
    const { opened, open } = gate();
    const looked: string[] = [];
    const sweeper = sweeperOf({
      name: 'threads',
      everyMs: PERIOD,
      async at({ name }) {
        looked.push(name);
        if (name === 'silent') await opened;
        if (name === 'failing') throw new Error('away');
      },
    });
    sweeper.start();
    await pass(2);
    const times = (place: string): number => looked.filter((name) => name === place).length;
    assert.deepEqual(['shared', 'silent', 'failing'].map(times), [3, 1, 3]);
    // A place that came meanwhile is seen without a new start.
    places.push(placeCalled('new'));
    await pass();
    assert.equal(times('new'), 1);
    open();
    await sweeper.close();
  });

  it('looking again while a look is under way looks once more after it, and not beside it', async () => {
    const { opened, open } = gate();
    const slow = counted('slow', () => opened);
    const sweeper = sweeperOf(slow.sweep);
    sweeper.start();
    let isDone = false;
    const again = sweeper.lookAgain().then(() => (isDone = true));
    await pass();
    assert.equal(slow.looks.begun, 1);
    assert.equal(isDone, false, 'the look under way began before and may have missed what is asked for');
    open();
    await again;
    assert.deepEqual(slow.looks, { begun: 2, underWay: 0, most: 1 });
    await sweeper.close();
  });

  it('closing waits for the look under way, and none begins after it', async () => {
    const { opened, open } = gate();
    const slow = counted('slow', () => opened);
    const sweeper = sweeperOf(slow.sweep);
    sweeper.start();
    const again = sweeper.lookAgain();
    let isClosed = false;
    const closing = sweeper.close().then(() => (isClosed = true));
    await pass(2);
    assert.equal(isClosed, false);
    open();
    await Promise.all([closing, again]);
    await pass(2);
    assert.deepEqual(slow.looks, { begun: 1, underWay: 0, most: 1 });
    sweeper.start();
    await pass(2);
    assert.equal(slow.looks.begun, 1, 'closed for good');
  });
});
