import type {
  PageMeta,
  Webhook,
  WebhookCreated,
  WebhookDelivery,
  WebhookInput,
  WebhookPatch,
  WebhookRotated,
} from '@parley/contract';
import type { z } from 'zod';
import { get, patch, post, remove, request } from './client.ts';

export const listWebhooks = () => get<Webhook[]>('/webhooks', { query: { limit: 100 } });
export const createWebhook = (input: z.input<typeof WebhookInput>) => post<WebhookCreated>('/webhooks', input);
export const updateWebhook = (id: string, changes: z.input<typeof WebhookPatch>) =>
  patch<Webhook>(`/webhooks/${id}`, changes);
export const deleteWebhook = (id: string) => remove(`/webhooks/${id}`);
export const rotateSecret = (id: string) => post<WebhookRotated>(`/webhooks/${id}/rotate-secret`);
export const sendTest = (id: string) => post<WebhookDelivery>(`/webhooks/${id}/test`);
export async function listDeliveries(id: string, page: number, limit: number) {
  const { data, meta } = await request<WebhookDelivery[], PageMeta>('GET', `/webhooks/${id}/deliveries`, {
    query: { page, limit },
  });
  return { items: data, total: meta?.total ?? data.length };
}
export const replayDelivery = (id: string, deliveryId: string) =>
  post<WebhookDelivery>(`/webhooks/${id}/deliveries/${deliveryId}/replay`);
