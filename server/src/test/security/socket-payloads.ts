import assert from 'node:assert/strict';
import { z } from 'zod';

/**
 * A payload for every declared socket event, in their order: of this conversation, where the event is about one.
 * An event with a field nobody knows here is not passed over, but fails.
 */
export function payloadsFor(
  events: Record<string, { payload: z.ZodType }>,
  conversationId: string,
): { event: string; payload: Record<string, unknown>; isOfConversation: boolean }[] {
  const values: Record<string, unknown> = {
    conversationId,
    text: 'planted',
    clientId: 'planted',
    after: 0,
    name: 'planted',
  };
  return Object.entries(events).map(([event, { payload: schema }]) => {
    assert.ok(schema instanceof z.ZodObject, event);
    const fields = Object.keys(schema.shape).filter((field) => field in values);
    const payload = Object.fromEntries(fields.map((field) => [field, values[field]]));
    assert.ok(schema.safeParse(payload).success, `${event}: its fields need values in socket-payloads.ts`);
    return { event, payload, isOfConversation: fields.includes('conversationId') };
  });
}
