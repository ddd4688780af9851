import type { CommittedFact } from '../../platform/facts/define.ts';
import { defineReaction } from '../../platform/facts/reactions.ts';
import { toldFacts } from './events.ts';
import type { WebhookDirectory } from './directory.ts';

/** What happened becomes deliveries to the addresses of a workspace that want to be told. */
export const tellWebhooks = (parts: { directory: WebhookDirectory; tell: (fact: CommittedFact) => Promise<void> }) =>
  defineReaction<CommittedFact>({
    name: 'webhook-events',
    sentence: 'Notes for each webhook of a workspace what it is to be told of what happened.',
    on: { types: toldFacts },
    wants: parts.directory.wants,
    handle: parts.tell,
  });
