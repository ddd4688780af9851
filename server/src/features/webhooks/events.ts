import { WebhookEvent } from '@parley/contract';

/** The facts that webhooks tell of under another name than their own. */
const NAMED: Record<string, WebhookEvent> = { 'message.received_with_media': 'message.received' };

/** The event a fact is told as; undefined for facts that stay inside, such as notes between colleagues. */
export function eventOf(factType: string): WebhookEvent | undefined {
  const named = NAMED[factType];
  if (named) return named;
  const { data } = WebhookEvent.safeParse(factType);
  return data;
}

/** Sent when somebody asks for it, whatever an endpoint listens to. */
export const TEST_EVENT = 'webhook.test';
