import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stays } from '../../test/stays.ts';
import { createWake } from '../cluster/wake.ts';
import { createKeyedQueue } from './keyed-queue.ts';

const TOPIC = 'work';

describe('a keyed queue', () => {
  it('runs a key once at a time, and once more for all that woke it meanwhile', async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    let at = 0;
    let most = 0;
    const queue = createKeyedQueue({
      wake: createWake(),
      topic: TOPIC,
      work: async () => {
        most = Math.max(most, ++at);
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
        at -= 1;
      },
    });
    const first = queue.run('a');
    for (let index = 0; index < 5; index++) void queue.run('a');
    gates[0]?.resolve();
    await new Promise(setImmediate);
    assert.equal(gates.length, 2);
    gates[1]?.resolve();
    await first;
    assert.equal(gates.length, 2);
    assert.equal(most, 1);
    assert.equal(queue.busy(), 0);
    await queue.close();
  });

  it('loses no wake, at whatever step of a run’s end it comes', async () => {
    for (let steps = 0; steps < 12; steps++) {
      let runs = 0;
      const queue = createKeyedQueue({ wake: createWake(), topic: TOPIC, work: async () => void (runs += 1) });
      void queue.run('a');
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const seen = runs;
      await queue.run('a');
      assert.ok(runs > seen, `woken ${steps} steps after the start`);
      await queue.close();
    }
  });

  it('tells of a failure, and looks again at what woke it meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    const again = Promise.withResolvers<void>();
    let runs = 0;
    const queue = createKeyedQueue({
      wake: createWake(),
      topic: TOPIC,
      work: async () => {
        runs += 1;
        if (runs > 1) return again.resolve();
        await gate.promise;
        throw new Error('no');
      },
    });
    const first = queue.run('a');
    void queue.run('a').catch(() => undefined);
    gate.resolve();
    await assert.rejects(first, /no/);
    await again.promise;
    await queue.close();
  });

  it('begins nothing after it was closed, and waits for what runs', async () => {
    const gate = Promise.withResolvers<void>();
    const wake = createWake();
    let ended = 0;
    const queue = createKeyedQueue({
      wake,
      topic: TOPIC,
      work: async () => {
        await gate.promise;
        ended += 1;
      },
    });
    void queue.run('a');
    queue.runLater('b', 0);
    const closed = queue.close();
    wake.wake(TOPIC, 'c');
    void queue.run('d');
    gate.resolve();
    await closed;
    await stays(() => ended === 1, 'nothing else has run', 30);
  });
});
