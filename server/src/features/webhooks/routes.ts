import {
  Done,
  IdParams,
  PageQuery,
  Webhook,
  WebhookCreated,
  WebhookDelivery,
  WebhookDeliveryParams,
  WebhookInput,
  WebhookPatch,
  WebhookRotated,
  paged,
  success,
} from '@parley/contract';
import type { Keyring } from '../../platform/crypto.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Outside } from '../../platform/outside.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Wake } from '../../platform/wake.ts';
import {
  addTest,
  changeWebhook,
  createWebhook,
  deleteWebhook,
  replay,
  requireAddress,
  rotateSecret,
} from './commands.ts';
import { presentDelivery, presentWebhook } from './present.ts';
import { findWebhook, listDeliveries, listWebhooks } from './queries.ts';
import type { WebhookToSend } from './send.ts';
import { WEBHOOKS_CHANGED } from './topics.ts';

const tags = ['Webhooks'];

export function webhookEndpointRoutes(
  http: Http,
  parts: {
    store: Store;
    wake: Wake;
    keyring: Keyring;
    outside: Outside;
    /** has a delivery sent now */
    sendNow: (delivery: WebhookToSend) => Promise<void>;
  },
): void {
  const { store, wake, keyring, outside, sendNow } = parts;

  http.get(
    '/webhooks',
    {
      config: { permission: 'webhooks:read' },
      schema: {
        tags,
        summary: 'List webhooks with their last delivery',
        querystring: PageQuery,
        response: { 200: paged(Webhook) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inWorkspace(workspaceId, (tx) => listWebhooks(tx, request.query));
      return page(
        rows.map((row) => presentWebhook(keyring, row)),
        { ...request.query, total },
      );
    },
  );

  http.get(
    '/webhooks/:id',
    {
      config: { permission: 'webhooks:read' },
      schema: { tags, summary: 'Read a webhook', params: IdParams, response: { 200: success(Webhook) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(
        presentWebhook(keyring, await store.inWorkspace(workspaceId, (tx) => findWebhook(tx, request.params.id))),
      );
    },
  );

  http.post(
    '/webhooks',
    {
      config: { permission: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Create a webhook',
        description:
          'Events are sent as Standard Webhooks: signed POST requests, tried again for three days. The secret is told once, ' +
          'and of the address no more than `https://host/…abcd` is shown.',
        body: WebhookInput,
        response: { 201: success(WebhookCreated) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      requireAddress(outside, request.body.url);
      const { row, secret } = await store.inWorkspace(actor.workspaceId, (tx) =>
        createWebhook(tx, actor, keyring, request.body),
      );
      wake.wake(WEBHOOKS_CHANGED, actor.workspaceId);
      return ok({ ...presentWebhook(keyring, row), secret });
    },
  );

  http.patch(
    '/webhooks/:id',
    {
      config: { permission: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Change a webhook, or switch it on or off',
        description: 'The address as it is shown, masked, leaves it as it is.',
        params: IdParams,
        body: WebhookPatch,
        response: { 200: success(Webhook) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      requireAddress(outside, request.body.url);
      const row = await store.inWorkspace(actor.workspaceId, (tx) =>
        changeWebhook(tx, actor, keyring, { ...request.body, id: request.params.id }),
      );
      wake.wake(WEBHOOKS_CHANGED, actor.workspaceId);
      return ok(presentWebhook(keyring, row));
    },
  );

  http.delete(
    '/webhooks/:id',
    {
      config: { permission: 'webhooks:write' },
      schema: { tags, summary: 'Delete a webhook and its log', params: IdParams, response: { 200: success(Done) } },
    },
    async (request) => {
      const actor = actorOf(request);
      await store.inWorkspace(actor.workspaceId, (tx) => deleteWebhook(tx, actor, request.params.id));
      wake.wake(WEBHOOKS_CHANGED, actor.workspaceId);
      return done();
    },
  );

  http.post(
    '/webhooks/:id/rotate-secret',
    {
      config: { permission: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Replace the secret',
        description: 'The new one is told once. For 24 hours both sign, so that the receiver has time to change.',
        params: IdParams,
        response: { 200: success(WebhookRotated) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const { secret, oldSecretUntil } = await store.inWorkspace(actor.workspaceId, (tx) =>
        rotateSecret(tx, actor, keyring, request.params.id),
      );
      return ok({ secret, oldSecretUntil: oldSecretUntil.toISOString() });
    },
  );

  http.post(
    '/webhooks/:id/test',
    {
      config: { permission: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Send a test event',
        params: IdParams,
        response: { 201: success(WebhookDelivery) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const made = await store.inWorkspace(actor.workspaceId, (tx) => addTest(tx, actor, request.params.id));
      await sendNow({ workspaceId: actor.workspaceId, deliveryId: made.id });
      return ok(presentDelivery(made));
    },
  );

  http.get(
    '/webhooks/:id/deliveries',
    {
      config: { permission: 'webhooks:read' },
      schema: {
        tags,
        summary: 'What was sent to a webhook in the last 30 days, the newest first',
        params: IdParams,
        querystring: PageQuery,
        response: { 200: paged(WebhookDelivery) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inWorkspace(workspaceId, (tx) =>
        listDeliveries(tx, request.params.id, request.query),
      );
      return page(rows.map(presentDelivery), { ...request.query, total });
    },
  );

  http.post(
    '/webhooks/:id/deliveries/:deliveryId/replay',
    {
      config: { permission: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Send one again',
        description: 'Under the same `webhook-id`, with things as they are now.',
        params: WebhookDeliveryParams,
        response: { 200: success(WebhookDelivery) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const again = await store.inWorkspace(workspaceId, (tx) => replay(tx, request.params));
      await sendNow({ workspaceId, deliveryId: again.id });
      return ok(presentDelivery(again));
    },
  );
}
