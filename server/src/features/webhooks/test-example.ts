import type { WebhookCreated, WebhookDelivery } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    webhook: string;
    webhookDelivery: string;
  }
}

export const example: WalkExample = {
  make: {
    // A name nobody has: what is said there stays in its log.
    webhook: async ({ post, mark }) =>
      (await post<WebhookCreated>('/webhooks', { url: `https://${mark}.invalid/`, events: ['conversation.snoozed'] }))
        .id,
    webhookDelivery: async ({ post, id }) => (await post<WebhookDelivery>(`/webhooks/${await id('webhook')}/test`)).id,
  },
  segments: { webhooks: 'webhook', deliveries: 'webhookDelivery' },
};
