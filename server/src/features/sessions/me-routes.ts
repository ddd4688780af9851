import { meApi } from '@parley/contract';
import { forbidden } from '../../platform/errors.ts';
import { actorOf, ok, page, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changePresence } from '../members/commands.ts';
import { findPresence, membershipsOf } from '../members/queries.ts';
import { listAttempts } from './attempts.ts';
import type { Account } from './account.ts';
import { deviceOf } from './device.ts';
import { presentWorkspace } from '../workspaces/present.ts';
import { findWorkspace } from '../workspaces/queries.ts';

export function meRoutes(
  http: Http,
  { store, publish, account }: { store: Store; publish: Publish; account: Account },
): void {
  addRoutes(
    http,
    meApi,
    {
      get: async (request) => {
        const { userId, name, email, role, workspaceId, permissions } = signedInOf(request);
        const workspaces = await store.asSystem((tx) => membershipsOf(tx, userId));
        const { attachment: attachmentBytes, document: documentBytes } = http.bodyLimits;
        const limits = { attachmentBytes, documentBytes };
        const common = { user: { id: userId, email, name }, role, permissions: [...permissions], workspaces, limits };
        if (!workspaceId) return ok({ ...common, workspace: null, presence: 'offline' as const });
        const here = await store.inControl(workspaceId, async (tx) => ({
          workspace: await findWorkspace(tx, workspaceId),
          presence: await findPresence(tx, userId),
        }));
        const workspace = here.workspace ? presentWorkspace(here.workspace) : null;
        return ok({ ...common, workspace, presence: here.presence });
      },

      update: async (request) => ok(await account.change(request.body, signedInOf(request), deviceOf(request))),

      listSignIns: async (request) => {
        const { userId } = signedInOf(request);
        const { rows, total } = await store.asSystem((tx) => listAttempts(tx, userId, request.query));
        return page(rows, { ...request.query, total });
      },

      setPresence: async (request) => {
        const { workspaceId, userId, apiKey } = actorOf(request);
        if (apiKey) throw forbidden('Only people are there or away.');
        const { presence } = request.body;
        await changePresence({ store, publish }, { workspaceId, userId }, presence);
        return ok({ presence });
      },
    },
    {
      update: {
        limit: 'credentials',
        description:
          'A new address or password needs `currentPassword`, which is counted like a sign-in. A new password ends all other sessions. ' +
          'An address of another account is 409; at most five addresses an hour.',
      },
      listSignIns: { description: 'The latest 200 of the last 90 days. Of attempts that were refused, some.' },
    },
  );
}
