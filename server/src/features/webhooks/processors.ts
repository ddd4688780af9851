import type { DefinedQueue } from '../../platform/jobs/jobs.ts';
import { newId } from '../../platform/data/ids.ts';
import { createSender } from './send.ts';
import type { WebhookToSend } from './send.ts';
import { createDeliveryWriter } from './deliveries.ts';

/** Webhooks out: facts become deliveries, deliveries are sent, and what a lost job left is found again. */
export function createWebhooks(
  parts: Omit<Parameters<typeof createSender>[0], 'queue'> & { queue: DefinedQueue<WebhookToSend> },
) {
  const { store, queue, keyring } = parts;
  const deliveries = createDeliveryWriter({ store, queue, keyring });
  return {
    /** Has this process send. */
    work: (): void => queue.process(createSender(parts)),
    sendNow: (delivery: WebhookToSend): Promise<void> => queue.add(delivery, { jobId: newId() }),
    ...deliveries,
  };
}
