import { z } from 'zod';
import type { QueueDefinition } from '../../platform/jobs/jobs.ts';

/** A delivery of a webhook to send. */
export const WebhookToSend = z.object({ workspaceId: z.uuid(), deliveryId: z.uuid() });

export const webhookQueue: QueueDefinition<z.infer<typeof WebhookToSend>> = {
  name: 'webhooks',
  sentence: 'Tells the addresses that workspaces have named as webhooks what happened.',
  schema: WebhookToSend,
  // Most of the time of one is waiting for somebody else's server.
  concurrency: 10,
};
