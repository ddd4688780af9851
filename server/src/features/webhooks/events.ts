import { WebhookEvent } from '@parley/contract';
import type { CommittedFact } from '../../platform/facts/define.ts';

/** Sent when somebody asks for it, whatever an endpoint listens to. */
export const TEST_EVENT = 'webhook.test';

/** A message with files is told of when they are there, so that whoever hears of it can fetch them. */
const WITH_FILES = 'message.files_stored';

/** The facts that are told to webhooks. */
export const toldFacts: string[] = [...WebhookEvent.options, WITH_FILES];

/** The event a fact is told as; undefined for what stays inside, such as notes between colleagues. */
export function eventOf(fact: Pick<CommittedFact, 'type' | 'payload'>): WebhookEvent | undefined {
  if (fact.type === WITH_FILES) return 'message.received';
  if (fact.type === 'message.received' && Number(fact.payload.files) > 0) return undefined;
  const { data } = WebhookEvent.safeParse(fact.type);
  return data;
}
