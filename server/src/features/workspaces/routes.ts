import { IdParams, Workspace, WorkspaceInput, WorkspacePatch, success } from '@parley/contract';
import { notFound } from '../../platform/errors.ts';
import { actorOf, ok, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Config } from '../../platform/config.ts';
import type { Store } from '../../platform/tenant.ts';
import { changeWorkspace, createOneMore } from './commands.ts';
import { presentWorkspace } from './present.ts';
import { findWorkspace } from './queries.ts';

const tags = ['Workspaces'];

export function workspaceRoutes(
  http: Http,
  { store, config }: { store: Store; config: Pick<Config, 'workspacesPerPerson'> },
): void {
  http.post(
    '/workspaces',
    {
      config: { permission: 'signed-in' },
      schema: {
        tags,
        summary: 'Create a workspace',
        description:
          'You are its owner. `POST /auth/switch` makes it the workspace of your login. A person may have so many ' +
          '(`PARLEY_WORKSPACES_PER_PERSON`); one more is 409 `limit_reached`.',
        body: WorkspaceInput,
        response: { 201: success(Workspace) },
      },
    },
    async (request) => {
      const { userId } = signedInOf(request);
      const atMost = config.workspacesPerPerson;
      const workspace = await store.asSystem((tx) => createOneMore(tx, userId, { ...request.body, atMost }));
      return ok(presentWorkspace(workspace));
    },
  );

  http.get(
    '/workspaces/:id',
    {
      config: { permission: 'workspace:read' },
      schema: {
        tags,
        summary: 'Read the workspace of this login',
        params: IdParams,
        response: { 200: success(Workspace) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const workspace = await store.inControl(workspaceId, (tx) => findWorkspace(tx, request.params.id));
      if (!workspace) throw notFound('The workspace');
      return ok(presentWorkspace(workspace));
    },
  );

  http.patch(
    '/workspaces/:id',
    {
      config: { permission: 'workspace:write' },
      schema: {
        tags,
        summary: 'Change the workspace of this login',
        params: IdParams,
        body: WorkspacePatch,
        response: { 200: success(Workspace) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const workspace = await store.inControl(workspaceId, (tx) =>
        changeWorkspace(tx, request.params.id, request.body),
      );
      return ok(presentWorkspace(workspace));
    },
  );
}
