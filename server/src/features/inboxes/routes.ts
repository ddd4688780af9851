import { inboxesApi } from '@parley/contract';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import { effectsOfInbox } from '../conversations/queries.ts';
import { presentInbox } from './present.ts';
import { findInbox, listInboxes } from './queries.ts';
import { createInboxSetup } from './setup.ts';
import type { InboxParts } from './setup.ts';

export function inboxRoutes(http: Http, parts: InboxParts): void {
  const { store, config } = parts;
  const setup = createInboxSetup(parts);

  addRoutes(
    http,
    inboxesApi,
    {
      list: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inWorkspace(workspaceId, (tx) => listInboxes(tx, request.query));
        const data = rows.map((row) => presentInbox(row, config.publicUrl));
        return page(data, { ...request.query, total });
      },

      create: async (request) => {
        const { workspaceId } = actorOf(request);
        const { row, generated } = await setup.create(workspaceId, request.body);
        return ok({ ...presentInbox(row, config.publicUrl), ...(generated ? { generated } : {}) });
      },

      get: async (request) => {
        const { workspaceId } = actorOf(request);
        const row = await store.inWorkspace(workspaceId, (tx) => findInbox(tx, request.params.id));
        return ok(presentInbox(row, config.publicUrl));
      },

      update: async (request) => {
        const { workspaceId } = actorOf(request);
        const row = await setup.change(workspaceId, request.params.id, request.body);
        return ok(presentInbox(row, config.publicUrl));
      },

      remove: async (request) => {
        const { workspaceId, name } = actorOf(request);
        await setup.remove(workspaceId, request.params.id, { name });
        return done();
      },

      previewDeletion: async (request) => {
        const { workspaceId } = actorOf(request);
        const effects = await store.inWorkspace(workspaceId, async (tx) => {
          const { id } = await findInbox(tx, request.params.id);
          return effectsOfInbox(tx, id);
        });
        return ok({ effects });
      },

      check: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok(await setup.check(workspaceId, request.params.id));
      },

      identitySecret: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok({ identitySecret: await setup.identitySecret(workspaceId, request.params.id) });
      },

      renewIdentitySecret: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok({ identitySecret: await setup.renewIdentitySecret(workspaceId, request.params.id) });
      },
    },
    {
      create: {
        description:
          'The platform is asked at once: credentials it refuses are a 400 in its words. When only our address was refused, the inbox is kept as `failing`.',
      },
    },
  );
}
