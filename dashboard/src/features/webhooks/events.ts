import type { WebhookEvent } from '@parley/contract';

/** The compiler knows when one is missing; the contract itself would bring its whole library into the page. */
const offered: Record<WebhookEvent, true> = {
  'message.received': true,
  'message.sent': true,
  'handoff.requested': true,
  'handoff.picked_up': true,
  'conversation.assigned': true,
  'conversation.unassigned': true,
  'conversation.taken_over': true,
  'conversation.returned_to_bot': true,
  'conversation.snoozed': true,
  'conversation.woke_up': true,
  'conversation.resolved': true,
  'conversation.reopened': true,
};

/** What a webhook can be told, in the order it is offered. */
export const webhookEvents = Object.keys(offered);
