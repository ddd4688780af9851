import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { until } from '../../test/until.ts';
import { AppError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createPressure, kindsOfWork } from './pressure.ts';
import type { Pressure } from './pressure.ts';
import { backlogSignal, databaseSignal, eventLoopSignal } from './pressure-signals.ts';

const log = createLogger({ level: 'silent' });

const setUp = () => {
  const now = { wait: 0, memory: 0 };
  const pressure = createPressure({
    log,
    metrics: createMetrics({ defaults: false }),
    signals: [
      { name: 'wait', limits: [10, 20, 30, 40], read: () => now.wait },
      { name: 'memory', limits: [0.8, 0.9, Infinity, Infinity], read: () => now.memory },
    ],
  });
  const look = (times: number): void => {
    for (let index = 0; index < times; index += 1) pressure.look();
  };
  return { now, pressure, look };
};

const refused = (pressure: Pressure): string[] =>
  kindsOfWork.filter((kind) => {
    try {
      pressure.admit(kind);
      return false;
    } catch (error) {
      assert.ok(error instanceof AppError && error.status === 503 && !error.reportable);
      assert.ok(error.retryAfter && error.retryAfter >= 2 && error.retryAfter <= 5);
      return true;
    }
  });

describe('pressure', () => {
  it('refuses what costs much first and what platforms bring last', () => {
    for (const [wait, expected] of [
      [9.9, []],
      [10, ['heavy']],
      [25, ['heavy', 'ordinary']],
      [30, ['heavy', 'ordinary', 'visitors']],
      [1_000, ['heavy', 'ordinary', 'visitors', 'webhooks']],
    ] as const) {
      const { now, pressure, look } = setUp();
      now.wait = wait;
      look(4);
      assert.deepEqual(refused(pressure), expected, String(wait));
      assert.deepEqual(pressure.report().refused, expected);
    }
  });

  it('a signal refuses no further than it may', () => {
    const { now, pressure, look } = setUp();
    now.memory = 1;
    look(4);
    assert.deepEqual(refused(pressure), ['heavy', 'ordinary']);
    assert.deepEqual(pressure.report().signals, { wait: 0, memory: 1 });
  });

  it('one pause refuses nobody', () => {
    const { now, pressure, look } = setUp();
    for (let index = 0; index < 5; index += 1) {
      now.wait = 45_000;
      look(3);
      now.wait = 0;
      look(1);
    }
    assert.deepEqual(refused(pressure), []);
  });

  it('what eased comes back one kind after the other, and not while it hovers about a limit', () => {
    const { now, pressure, look } = setUp();
    now.wait = 40;
    look(4);
    for (let index = 0; index < 50; index += 1) {
      now.wait = index % 2 === 0 ? 39 : 33;
      look(1);
    }
    assert.equal(refused(pressure).length, 4);
    now.wait = 0;
    look(5);
    assert.equal(refused(pressure).length, 4);
    look(1);
    assert.equal(refused(pressure).length, 3);
    look(5);
    assert.equal(refused(pressure).length, 3);
    look(13);
    assert.deepEqual(refused(pressure), []);
  });
});

describe('what pressure is measured by', () => {
  /** The time of the machine, moved by hand: what `passes` without a turn is a pause of the event loop. */
  function clockByHand(context: TestContext) {
    context.mock.timers.enable({ apis: ['setInterval'] });
    let now = Math.ceil(performance.now());
    context.mock.method(performance, 'now', () => now);
    const passes = (ms: number): void => void (now += ms);
    const turns = (count: number): void => {
      for (let turn = 0; turn < count; turn += 1) {
        passes(20);
        context.mock.timers.tick(20);
      }
    };
    return { passes, turns };
  }

  it('a blocked event loop shows, and is over with the next look', (context) => {
    const { passes, turns } = clockByHand(context);
    const signal = eventLoopSignal();
    turns(50);
    assert.equal(Math.round(signal.read()), 0);
    turns(2);
    passes(1_500);
    turns(5);
    const met = signal.read();
    assert.ok(met >= signal.limits[0] && met <= 1_520, String(met));
    turns(5);
    assert.equal(Math.round(signal.read()), 0);
  });

  it('the pause the look itself comes out of shows', () => {
    const signal = eventLoopSignal();
    signal.read();
    const end = performance.now() + 600;
    while (performance.now() < end);
    const met = signal.read();
    assert.ok(met >= signal.limits[0], String(met));
  });

  it('a line at the database shows while one still stands in it, and is over with it', async (context) => {
    const { passes } = clockByHand(context);
    let free: (() => void) | undefined;
    const signal = databaseSignal(() => new Promise((resolve) => (free = resolve)));
    assert.equal(signal.read(), 0);
    passes(60);
    assert.equal(Math.round(signal.read()), 60);
    free?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(signal.read() >= 50, 'the last measure');
    free?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(signal.read() < 50);
  });

  it('a database that is away is no line', async () => {
    const signal = databaseSignal(() => Promise.reject(new Error('refused')));
    signal.read();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(signal.read(), 0);
  });

  it('a backlog that cannot be asked for stays as it was', async () => {
    let answer: Promise<number> = Promise.resolve(12);
    const signal = backlogSignal(() => answer, 0);
    await until(async () => signal.read() === 12, 'it was asked for');
    answer = Promise.reject(new Error('away'));
    answer.catch(() => undefined);
    signal.read();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(signal.read(), 12);
  });
});
