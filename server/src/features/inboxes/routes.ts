import { Done, IdParams, Inbox, InboxCheck, InboxInput, InboxPatch, PageQuery, paged, success } from '@parley/contract';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { presentInbox } from './present.ts';
import { findInbox, listInboxes } from './queries.ts';
import { createInboxSetup } from './setup.ts';
import type { InboxParts } from './setup.ts';

const tags = ['Inboxes'];

export function inboxRoutes(http: Http, parts: InboxParts): void {
  const { store, config } = parts;
  const setup = createInboxSetup(parts);

  http.get(
    '/inboxes',
    {
      config: { permission: 'inboxes:read' },
      schema: { tags, summary: 'List inboxes', querystring: PageQuery, response: { 200: paged(Inbox) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inWorkspace(workspaceId, (tx) => listInboxes(tx, request.query));
      const data = rows.map((row) => presentInbox(row, config.publicUrl));
      return page(data, { ...request.query, total });
    },
  );

  http.post(
    '/inboxes',
    {
      config: { permission: 'inboxes:write' },
      schema: {
        tags,
        summary: 'Connect an inbox',
        description:
          'The platform is asked at once: credentials it refuses are a 400 in its words. When only our address was refused, the inbox is kept as `failing`.',
        body: InboxInput,
        response: { 201: success(Inbox) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { row, generated } = await setup.create(workspaceId, request.body);
      return ok({ ...presentInbox(row, config.publicUrl), ...(generated ? { generated } : {}) });
    },
  );

  http.get(
    '/inboxes/:id',
    {
      config: { permission: 'inboxes:read' },
      schema: { tags, summary: 'Read an inbox', params: IdParams, response: { 200: success(Inbox) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const row = await store.inWorkspace(workspaceId, (tx) => findInbox(tx, request.params.id));
      return ok(presentInbox(row, config.publicUrl));
    },
  );

  http.patch(
    '/inboxes/:id',
    {
      config: { permission: 'inboxes:write' },
      schema: {
        tags,
        summary: 'Change an inbox',
        params: IdParams,
        body: InboxPatch,
        response: { 200: success(Inbox) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const row = await setup.change(workspaceId, request.params.id, request.body);
      return ok(presentInbox(row, config.publicUrl));
    },
  );

  http.delete(
    '/inboxes/:id',
    {
      config: { permission: 'inboxes:write' },
      schema: { tags, summary: 'Delete an inbox', params: IdParams, response: { 200: success(Done) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      await setup.remove(workspaceId, request.params.id);
      return done();
    },
  );

  http.post(
    '/inboxes/:id/check',
    {
      config: { permission: 'inboxes:write' },
      schema: {
        tags,
        summary: 'Check the connection of an inbox now',
        params: IdParams,
        response: { 200: success(InboxCheck) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await setup.check(workspaceId, request.params.id));
    },
  );
}
