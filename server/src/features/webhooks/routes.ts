import { webhooksApi } from '@parley/contract';
import type { Keyring } from '../../platform/security/crypto.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Outside } from '../../platform/outbound/outside.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { webhooksChanged } from './changes.ts';
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

export function webhookEndpointRoutes(
  http: Http,
  parts: {
    store: Store;
    publish: Publish;
    keyring: Keyring;
    outside: Outside;
    /** has a delivery sent now */
    sendNow: (delivery: WebhookToSend) => Promise<void>;
  },
): void {
  const { store, publish, keyring, outside, sendNow } = parts;

  addRoutes(
    http,
    webhooksApi,
    {
      list: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inWorkspace(workspaceId, (tx) => listWebhooks(tx, request.query));
        return page(
          rows.map((row) => presentWebhook(keyring, row)),
          { ...request.query, total },
        );
      },

      get: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok(
          presentWebhook(keyring, await store.inWorkspace(workspaceId, (tx) => findWebhook(tx, request.params.id))),
        );
      },

      create: async (request) => {
        const actor = actorOf(request);
        requireAddress(outside, request.body.url);
        const { row, secret } = await store.inWorkspace(actor.workspaceId, (tx) =>
          createWebhook(tx, actor, keyring, request.body),
        );
        publish([webhooksChanged(actor.workspaceId)]);
        return ok({ ...presentWebhook(keyring, row), secret });
      },

      update: async (request) => {
        const actor = actorOf(request);
        requireAddress(outside, request.body.url);
        const row = await store.inWorkspace(actor.workspaceId, (tx) =>
          changeWebhook(tx, actor, keyring, { ...request.body, id: request.params.id }),
        );
        publish([webhooksChanged(actor.workspaceId)]);
        return ok(presentWebhook(keyring, row));
      },

      remove: async (request) => {
        const actor = actorOf(request);
        await store.inWorkspace(actor.workspaceId, (tx) => deleteWebhook(tx, actor, request.params.id));
        publish([webhooksChanged(actor.workspaceId)]);
        return done();
      },

      rotateSecret: async (request) => {
        const actor = actorOf(request);
        const { secret, oldSecretUntil } = await store.inWorkspace(actor.workspaceId, (tx) =>
          rotateSecret(tx, actor, keyring, request.params.id),
        );
        return ok({ secret, oldSecretUntil: oldSecretUntil.toISOString() });
      },

      sendTest: async (request) => {
        const actor = actorOf(request);
        const made = await store.inWorkspace(actor.workspaceId, (tx) => addTest(tx, actor, request.params.id));
        await sendNow({ workspaceId: actor.workspaceId, deliveryId: made.id });
        return ok(presentDelivery(made));
      },

      listDeliveries: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inWorkspace(workspaceId, (tx) =>
          listDeliveries(tx, request.params.id, request.query),
        );
        return page(rows.map(presentDelivery), { ...request.query, total });
      },

      replayDelivery: async (request) => {
        const { workspaceId } = actorOf(request);
        const again = await store.inWorkspace(workspaceId, (tx) => replay(tx, request.params));
        await sendNow({ workspaceId, deliveryId: again.id });
        return ok(presentDelivery(again));
      },
    },
    {
      create: {
        description:
          'Events are sent as Standard Webhooks: signed POST requests, tried again for three days. The secret is told once, ' +
          'and of the address no more than `https://host/…abcd` is shown.',
      },
      update: { description: 'The address as it is shown, masked, leaves it as it is.' },
      rotateSecret: {
        description: 'The new one is told once. For 24 hours both sign, so that the receiver has time to change.',
      },
      replayDelivery: { description: 'Under the same `webhook-id`, with things as they are now.' },
    },
  );
}
