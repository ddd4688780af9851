import {
  AcceptInviteInput,
  Done,
  InvitationPreview,
  Login,
  LoginInput,
  RefreshInput,
  SetupInput,
  SetupState,
  SwitchInput,
  success,
} from '@parley/contract';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { done, ok, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Device } from './commands.ts';
import { needsSetup } from './setup.ts';
import type { SignIn } from './sign-in.ts';

const tags = ['Sign-in'];
/** Takes a secret: no login, and few tries. */
const guarded = { permission: 'public', limit: 'credentials', body: 'credentials' } as const;

const deviceOf = (request: FastifyRequest): Device => ({
  userAgent: request.headers['user-agent']?.slice(0, 300) ?? null,
  ip: request.ip,
});

export function sessionRoutes(http: Http, { store, signIn }: { store: Store; signIn: SignIn }): void {
  http.post(
    '/auth/login',
    {
      config: guarded,
      schema: { tags, summary: 'Log in', body: LoginInput, response: { 200: success(Login) } },
    },
    async (request) => ok(await signIn.logIn(request.body, deviceOf(request))),
  );

  http.post(
    '/auth/refresh',
    {
      // Nobody guesses a refresh token, and an office behind one address refreshes often.
      config: { permission: 'public', body: 'credentials' },
      schema: {
        tags,
        summary: 'Get new tokens',
        description: 'A refresh token works once. Presenting one again ends the login it belongs to.',
        body: RefreshInput,
        response: { 200: success(Login) },
      },
    },
    async (request) => ok(await signIn.refresh(request.body.refreshToken)),
  );

  http.post(
    '/auth/logout',
    {
      config: { permission: 'public', body: 'credentials' },
      schema: {
        tags,
        summary: 'Log out',
        description: 'Ends the login: its tokens stop working and its sockets are closed.',
        body: RefreshInput,
        response: { 200: success(Done) },
      },
    },
    async (request) => {
      await signIn.logOut(request.body.refreshToken);
      return done();
    },
  );

  http.post(
    '/auth/switch',
    {
      config: { permission: 'signed-in', body: 'credentials' },
      schema: {
        tags,
        summary: 'Go to another workspace',
        description: 'The refresh token from before stops working.',
        body: SwitchInput,
        response: { 200: success(Login) },
      },
    },
    async (request) => ok(await signIn.switchTo(request.body.workspaceId, signedInOf(request))),
  );

  http.get(
    '/auth/setup-state',
    {
      config: { permission: 'public' },
      schema: { tags, summary: 'Whether the first owner is still to come', response: { 200: success(SetupState) } },
    },
    async () => ok({ needsSetup: await store.asSystem(needsSetup) }),
  );

  http.post(
    '/auth/setup',
    {
      config: guarded,
      schema: {
        tags,
        summary: 'Make the first owner',
        description: 'With the token of the link printed at the first start.',
        body: SetupInput,
        response: { 200: success(Login) },
      },
    },
    async (request) => ok(await signIn.setUp(request.body, deviceOf(request))),
  );

  http.get(
    '/auth/invitations/:token',
    {
      config: guarded,
      schema: {
        tags,
        summary: 'Look at an invitation',
        params: z.object({ token: z.string().min(10).max(200) }),
        response: { 200: success(InvitationPreview) },
      },
    },
    async (request) => ok(await signIn.previewInvitation(request.params.token)),
  );

  http.post(
    '/auth/accept-invite',
    {
      config: guarded,
      schema: {
        tags,
        summary: 'Accept an invitation',
        description:
          'Somebody with an account gives its password; somebody without one gives a name and a new password.',
        body: AcceptInviteInput,
        response: { 200: success(Login) },
      },
    },
    async (request) => ok(await signIn.acceptInvite(request.body, deviceOf(request))),
  );
}
