import { contactsApi } from '@parley/contract';
import { actorOf, cursor, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changeContact } from './commands.ts';
import { findContact, listContacts } from './queries.ts';

export function contactRoutes(http: Http, { store }: { store: Store }): void {
  addRoutes(http, contactsApi, {
    list: async (request) => {
      const { workspaceId } = actorOf(request);
      const { contacts, nextCursor } = await store.read(workspaceId, (tx) => listContacts(tx, request.query));
      return cursor(contacts, nextCursor);
    },

    get: async (request) => {
      const { workspaceId } = actorOf(request);
      const data = await store.inWorkspace(workspaceId, (tx) => findContact(tx, request.params.id));
      return ok(data);
    },

    update: async (request) => {
      const { workspaceId } = actorOf(request);
      const data = await store.inWorkspace(workspaceId, async (tx) => {
        await changeContact(tx, request.params.id, request.body);
        return findContact(tx, request.params.id);
      });
      return ok(data);
    },
  });
}
