import { z } from 'zod';
import type { QueueDefinition } from './platform/jobs.ts';

/** A source of a knowledge base to read. */
export const SourceToRead = z.object({ workspaceId: z.uuid(), sourceId: z.uuid() });

/** A delivery of a webhook to send. */
export const WebhookToSend = z.object({ workspaceId: z.uuid(), deliveryId: z.uuid() });

/** Keeps the type of the payload. */
const queue = <P>(definition: QueueDefinition<P>): QueueDefinition<P> => definition;

/**
 * Every queue of the product, with a sentence for the person who runs it. A job is a wake-up or a schedule: what must
 * not be lost stands in a table of ours before it is added here, and is found there again when the queue is emptied.
 * Payloads name their workspace (`workspaceId`) and carry ids rather than words.
 */
export const queues = {
  knowledge: queue({
    name: 'knowledge',
    sentence: 'Reads documents, pages and answers into passages that bots can find.',
    schema: SourceToRead,
    concurrency: 2,
  }),
  webhooks: queue({
    name: 'webhooks',
    sentence: 'Tells the addresses that workspaces have named as webhooks what happened.',
    schema: WebhookToSend,
    // Most of the time of one is waiting for somebody else's server.
    concurrency: 10,
  }),
};
