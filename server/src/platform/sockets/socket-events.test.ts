import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { agentEvents, collectEvents } from './socket-events.ts';

const spoken = agentEvents(
  { 'agent:speak': z.strictObject({ text: z.string() }) },
  { 'agent:speak': { permission: 'conversations:write', handle: async ({ text }) => text } },
);

test('an event that two features declare is refused', () => {
  assert.throws(() => collectEvents([spoken, {}, spoken]), /agent:speak is declared twice/);
  assert.throws(() => collectEvents([{ constructor: 1 }, { constructor: 2 }]), /constructor is declared twice/);
});

test('the events of all features are one list, each with its payload and permission', () => {
  const all = collectEvents([spoken, agentEvents({}, {})]);
  assert.deepEqual(Object.keys(all), ['agent:speak']);
  assert.equal(all['agent:speak']?.permission, 'conversations:write');
  assert.equal(all['agent:speak'].payload.safeParse({ words: 'x' }).success, false);
});
