import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

const conversationId = z.uuid();

export const handoffFacts = defineFacts({
  'handoff.requested': z.object({ conversationId, reason: z.string(), priority: z.string() }),
  'handoff.picked_up': z.object({ conversationId, userId: z.uuid() }),
});
