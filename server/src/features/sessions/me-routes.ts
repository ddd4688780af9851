import { Me, MePatch, PresenceInput, SignInAttempt, SignInsQuery, User, paged, success } from '@parley/contract';
import { forbidden } from '../../platform/errors.ts';
import { actorOf, ok, page, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/tenant.ts';
import { changePresence } from '../members/commands.ts';
import { findPresence, membershipsOf } from '../members/queries.ts';
import { listAttempts } from './attempts.ts';
import type { SignIn } from './sign-in.ts';
import { presentWorkspace } from '../workspaces/present.ts';
import { findWorkspace } from '../workspaces/queries.ts';

const tags = ['Sign-in'];

export function meRoutes(
  http: Http,
  { store, publish, signIn }: { store: Store; publish: Publish; signIn: SignIn },
): void {
  http.get(
    '/me',
    {
      config: { permission: 'signed-in' },
      schema: { tags, summary: 'Who I am and what I may do', response: { 200: success(Me) } },
    },
    async (request) => {
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
  );

  http.patch(
    '/me',
    {
      config: { permission: 'signed-in', limit: 'credentials' },
      schema: {
        tags,
        summary: 'Change my name or password',
        description: 'A new password needs `currentPassword` and ends all other logins.',
        body: MePatch,
        response: { 200: success(User) },
      },
    },
    async (request) => {
      const signedIn = signedInOf(request);
      await signIn.changeMe(request.body, signedIn);
      const { userId: id, email } = signedIn;
      return ok({ id, email, name: request.body.name ?? signedIn.name });
    },
  );

  http.get(
    '/me/sign-ins',
    {
      config: { permission: 'signed-in' },
      schema: {
        tags,
        summary: 'Who tried to sign in to my account, the newest first',
        description: 'The latest 200 of the last 90 days. Of attempts that were refused, some.',
        querystring: SignInsQuery,
        response: { 200: paged(SignInAttempt) },
      },
    },
    async (request) => {
      const { userId } = signedInOf(request);
      const { rows, total } = await store.asSystem((tx) => listAttempts(tx, userId, request.query));
      return page(rows, { ...request.query, total });
    },
  );

  http.patch(
    '/me/presence',
    {
      config: { permission: 'conversations:read' },
      schema: {
        tags,
        summary: 'Say whether I am there',
        body: PresenceInput,
        response: { 200: success(PresenceInput) },
      },
    },
    async (request) => {
      const { workspaceId, userId, apiKey } = actorOf(request);
      if (apiKey) throw forbidden('Only people are there or away.');
      const { presence } = request.body;
      await changePresence({ store, publish }, { workspaceId, userId }, presence);
      return ok({ presence });
    },
  );
}
