import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createWake } from '../cluster/wake.ts';
import { createLanes } from './keyed-queue.ts';

const TOPIC = 'work';

describe('lanes', () => {
  it('runs a key once at a time, and once more for all that woke it meanwhile', async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    let at = 0;
    let most = 0;
    const lanes = createLanes({
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
    const first = lanes.run('a');
    for (let index = 0; index < 5; index++) void lanes.run('a');
    gates[0]?.resolve();
    await new Promise(setImmediate);
    assert.equal(gates.length, 2);
    gates[1]?.resolve();
    await first;
    assert.equal(gates.length, 2);
    assert.equal(most, 1);
    assert.equal(lanes.busy(), 0);
    await lanes.close();
  });

  it('loses no wake, at whatever step of a run’s end it comes', async () => {
    for (let steps = 0; steps < 12; steps++) {
      let runs = 0;
      const lanes = createLanes({ wake: createWake(), topic: TOPIC, work: async () => void (runs += 1) });
      void lanes.run('a');
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const seen = runs;
      await lanes.run('a');
      assert.ok(runs > seen, `woken ${steps} steps after the start`);
      await lanes.close();
    }
  });

  it('tells of a failure, and looks again at what woke it meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    const again = Promise.withResolvers<void>();
    let runs = 0;
    const lanes = createLanes({
      wake: createWake(),
      topic: TOPIC,
      work: async () => {
        runs += 1;
        if (runs > 1) return again.resolve();
        await gate.promise;
        throw new Error('no');
      },
    });
    const first = lanes.run('a');
    void lanes.run('a').catch(() => undefined);
    gate.resolve();
    await assert.rejects(first, /no/);
    await again.promise;
    await lanes.close();
  });

  it('begins nothing after it was closed, and waits for what runs', async () => {
    const gate = Promise.withResolvers<void>();
    const wake = createWake();
    let ended = 0;
    const lanes = createLanes({
      wake,
      topic: TOPIC,
      work: async () => {
        await gate.promise;
        ended += 1;
      },
    });
    void lanes.run('a');
    lanes.runLater('b', 0);
    const closed = lanes.close();
    wake.wake(TOPIC, 'c');
    void lanes.run('d');
    gate.resolve();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(ended, 1);
  });
});
