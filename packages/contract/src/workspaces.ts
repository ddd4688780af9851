import { success, IdParams } from './common.ts';
import { api, get, patch, post } from './declare.ts';
import { WorkspaceInput, Workspace, WorkspacePatch } from './people.ts';

export const workspacesApi = api('Workspaces', {
  create: post('/workspaces', 'signed-in', {
    summary: 'Create a workspace',
    body: WorkspaceInput,
    status: 201,
    response: success(Workspace),
  }),
  get: get('/workspaces/:id', 'workspace:read', {
    summary: 'Read the workspace of this login',
    params: IdParams,
    response: success(Workspace),
  }),
  update: patch('/workspaces/:id', 'workspace:write', {
    summary: 'Change the workspace of this login',
    params: IdParams,
    body: WorkspacePatch,
    response: success(Workspace),
  }),
});
