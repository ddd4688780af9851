import { ChannelInfo, ChannelTemplate, IdParams, success } from '@parley/contract';
import { z } from 'zod';
import { channels, describeChannel } from '../../channels/registry.ts';
import { actorOf, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { InboxParts } from './setup.ts';
import { listTemplates } from './queries.ts';
import { syncTemplates } from './templates.ts';

const tags = ['Inboxes'];

export function channelRoutes(http: Http, parts: InboxParts): void {
  http.get(
    '/channels',
    {
      config: { permission: 'inboxes:read' },
      schema: {
        tags,
        summary: 'List the channels with the forms to connect them',
        response: { 200: success(z.array(ChannelInfo)) },
      },
    },
    async () => ok(Object.values(channels).map(describeChannel)),
  );

  http.get(
    '/inboxes/:id/templates',
    {
      config: { permission: 'conversations:read' },
      schema: {
        tags,
        summary: 'List the templates of an inbox',
        params: IdParams,
        response: { 200: success(z.array(ChannelTemplate)) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await parts.store.inWorkspace(workspaceId, (tx) => listTemplates(tx, request.params.id)));
    },
  );

  http.post(
    '/inboxes/:id/templates/sync',
    {
      config: { permission: 'inboxes:write' },
      schema: {
        tags,
        summary: 'Read the templates from the platform again',
        params: IdParams,
        response: { 200: success(z.array(ChannelTemplate)) },
      },
    },
    async (request) => ok(await syncTemplates(parts, actorOf(request).workspaceId, request.params.id)),
  );
}
