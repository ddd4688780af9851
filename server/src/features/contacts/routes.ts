import { Contact, ContactPatch, ContactQuery, IdParams, cursored, success } from '@parley/contract';
import { actorOf, cursor, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import { changeContact } from './commands.ts';
import { findContact, listContacts } from './queries.ts';

export function contactRoutes(http: Http, { store }: { store: Store }): void {
  http.get(
    '/contacts',
    {
      config: { permission: 'contacts:read' },
      schema: {
        tags: ['Contacts'],
        summary: 'List contacts',
        querystring: ContactQuery,
        response: { 200: cursored(Contact) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { contacts, nextCursor } = await store.read(workspaceId, (tx) => listContacts(tx, request.query));
      return cursor(contacts, nextCursor);
    },
  );

  http.get(
    '/contacts/:id',
    {
      config: { permission: 'contacts:read' },
      schema: { tags: ['Contacts'], summary: 'Read a contact', params: IdParams, response: { 200: success(Contact) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const data = await store.inWorkspace(workspaceId, (tx) => findContact(tx, request.params.id));
      return ok(data);
    },
  );

  http.patch(
    '/contacts/:id',
    {
      config: { permission: 'contacts:write' },
      schema: {
        tags: ['Contacts'],
        summary: 'Change a contact',
        params: IdParams,
        body: ContactPatch,
        response: { 200: success(Contact) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const data = await store.inWorkspace(workspaceId, async (tx) => {
        await changeContact(tx, request.params.id, request.body);
        return findContact(tx, request.params.id);
      });
      return ok(data);
    },
  );
}
