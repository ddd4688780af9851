import { workspacesApi } from '@parley/contract';
import { notFound } from '../../platform/errors.ts';
import { actorOf, ok, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changeWorkspace, createOneMore } from './commands.ts';
import { presentWorkspace } from './present.ts';
import { findWorkspace } from './queries.ts';

export function workspaceRoutes(http: Http, { store, perPerson }: { store: Store; perPerson: number }): void {
  addRoutes(
    http,
    workspacesApi,
    {
      create: async (request) => {
        const { userId } = signedInOf(request);
        const workspace = await store.asSystem((tx) =>
          createOneMore(tx, userId, { ...request.body, atMost: perPerson }),
        );
        return ok(presentWorkspace(workspace));
      },

      get: async (request) => {
        const { workspaceId } = actorOf(request);
        const workspace = await store.inControl(workspaceId, (tx) => findWorkspace(tx, request.params.id));
        if (!workspace) throw notFound('The workspace');
        return ok(presentWorkspace(workspace));
      },

      update: async (request) => {
        const { workspaceId } = actorOf(request);
        const workspace = await store.inControl(workspaceId, (tx) =>
          changeWorkspace(tx, request.params.id, request.body),
        );
        return ok(presentWorkspace(workspace));
      },
    },
    {
      create: {
        description:
          'You are its owner. `POST /auth/switch` makes it the workspace of your login. A person may have so many ' +
          '(`PARLEY_WORKSPACES_PER_PERSON`); one more is 409 `limit_reached`.',
      },
    },
  );
}
