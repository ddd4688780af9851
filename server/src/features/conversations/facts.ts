import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

const moved = z.object({
  /** the state it came from */
  from: z.string(),
  /** who moved it or, for an assignment, whom it went to, as customers see them */
  agentName: z.string().optional(),
  /** whom it was assigned to */
  agentId: z.uuid().optional(),
  /** when the snooze ends, ISO 8601 */
  until: z.string().optional(),
});

export const conversationFacts = defineFacts({
  'conversation.taken_over': moved,
  'conversation.returned_to_bot': moved,
  'conversation.resolved': moved,
  'conversation.reopened': moved,
  'conversation.snoozed': moved,
  'conversation.woke_up': moved,
  'conversation.assigned': moved,
  'conversation.unassigned': moved,
  /** what was told of as `undone` a moment ago counts as if it had not happened */
  'conversation.move_undone': z.object({ undone: z.string(), agentName: z.string() }),
});
