import { z } from 'zod';
import { Id, Timestamp, line, optionalLine, PageQuery, paged, IdParams, success, Done } from './common.ts';
import { api, get, patch, post, remove } from './declare.ts';

/** What a webhook can tell. `webhook.test` is sent on demand alone. */
export const WebhookEvent = z.enum([
  'message.received',
  'message.sent',
  'handoff.requested',
  'handoff.picked_up',
  'conversation.assigned',
  'conversation.unassigned',
  'conversation.taken_over',
  'conversation.returned_to_bot',
  'conversation.snoozed',
  'conversation.woke_up',
  'conversation.resolved',
  'conversation.reopened',
  'conversation.move_undone',
]);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

/** Which addresses are refused says the server: it depends on where it runs. */
const WebhookUrl = line(2_000).pipe(z.url({ protocol: /^https?$/ }));

export const WebhookInput = z
  .strictObject({
    url: WebhookUrl,
    description: optionalLine(200).default(''),
    /** empty: every event, also those there will be */
    events: z.array(WebhookEvent).max(WebhookEvent.options.length).default([]),
  })
  .meta({ examples: [{ url: 'https://example.com/parley', events: ['message.received', 'conversation.resolved'] }] });
export type WebhookInput = z.infer<typeof WebhookInput>;

export const WebhookPatch = z.strictObject({
  url: WebhookUrl.optional(),
  description: optionalLine(200).optional(),
  events: z.array(WebhookEvent).max(WebhookEvent.options.length).optional(),
  enabled: z.boolean().optional(),
});
export type WebhookPatch = z.infer<typeof WebhookPatch>;

export const WebhookDeliveryState = z.enum(['pending', 'delivered', 'failed']);
export type WebhookDeliveryState = z.infer<typeof WebhookDeliveryState>;

export const WebhookDelivery = z.object({
  id: Id,
  /** sent as `webhook-id`: the same at every attempt, and for every endpoint the event goes to */
  eventId: z.string(),
  type: z.string(),
  state: WebhookDeliveryState,
  attempts: z.int(),
  /** HTTP status of the last answer; null when none came */
  status: z.int().nullable(),
  /** why the last attempt failed */
  error: z.string().nullable(),
  /** how long the last answer took, in milliseconds */
  responseMs: z.int().nullable(),
  /** set while it is pending */
  nextAttemptAt: Timestamp.nullable(),
  createdAt: Timestamp,
  finishedAt: Timestamp.nullable(),
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

export const Webhook = z.object({
  id: Id,
  url: z.string(),
  description: z.string(),
  /** empty: every event */
  events: z.array(WebhookEvent),
  enabled: z.boolean(),
  /** set when Parley switched it off */
  disabledReason: z.string().nullable(),
  /** since when nothing was delivered; null while all is well */
  failingSince: Timestamp.nullable(),
  lastDelivery: WebhookDelivery.nullable(),
  createdBy: z.object({ id: Id, name: z.string() }),
  createdAt: Timestamp,
});
export type Webhook = z.infer<typeof Webhook>;

/** `secret` is shown once: `whsec_` and the key in base64. */
export const WebhookCreated = Webhook.extend({ secret: z.string() });
export type WebhookCreated = z.infer<typeof WebhookCreated>;
/** The old secret signs beside the new one until `oldSecretUntil`. */
export const WebhookRotated = z.object({ secret: z.string(), oldSecretUntil: Timestamp });
export type WebhookRotated = z.infer<typeof WebhookRotated>;

export const WebhookDeliveryParams = z.object({ id: Id, deliveryId: Id });

export const webhooksApi = api('Webhooks', {
  list: get('/webhooks', 'webhooks:read', {
    summary: 'List webhooks with their last delivery',
    query: PageQuery,
    response: paged(Webhook),
  }),
  get: get('/webhooks/:id', 'webhooks:read', {
    summary: 'Read a webhook',
    params: IdParams,
    response: success(Webhook),
  }),
  create: post('/webhooks', 'webhooks:write', {
    summary: 'Create a webhook',
    body: WebhookInput,
    status: 201,
    response: success(WebhookCreated),
  }),
  update: patch('/webhooks/:id', 'webhooks:write', {
    summary: 'Change a webhook, or switch it on or off',
    params: IdParams,
    body: WebhookPatch,
    response: success(Webhook),
  }),
  remove: remove('/webhooks/:id', 'webhooks:write', {
    summary: 'Delete a webhook and its log',
    params: IdParams,
    response: success(Done),
  }),
  rotateSecret: post('/webhooks/:id/rotate-secret', 'webhooks:write', {
    summary: 'Replace the secret',
    params: IdParams,
    response: success(WebhookRotated),
  }),
  sendTest: post('/webhooks/:id/test', 'webhooks:write', {
    summary: 'Send a test event',
    params: IdParams,
    status: 201,
    response: success(WebhookDelivery),
  }),
  listDeliveries: get('/webhooks/:id/deliveries', 'webhooks:read', {
    summary: 'What was sent to a webhook in the last 30 days, the newest first',
    params: IdParams,
    query: PageQuery,
    response: paged(WebhookDelivery),
  }),
  replayDelivery: post('/webhooks/:id/deliveries/:deliveryId/replay', 'webhooks:write', {
    summary: 'Send one again',
    params: WebhookDeliveryParams,
    response: success(WebhookDelivery),
  }),
});
