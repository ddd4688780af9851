import {
  AcceptInviteInput,
  Done,
  InvitationPreview,
  Login,
  LoginInput,
  ProofInput,
  RefreshInput,
  SetupInput,
  SetupState,
  SwitchInput,
  success,
} from '@parley/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { done, ok, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import { needsSetup } from './setup.ts';
import type { Entrance, SignIn } from './sign-in.ts';

const tags = ['Sign-in'];
/** Takes a secret: no login, and few tries. */
const guarded = { permission: 'public', limit: 'credentials', body: 'credentials' } as const;

const entranceOf = (request: FastifyRequest, reply: FastifyReply): Entrance => ({
  device: { userAgent: request.headers['user-agent']?.slice(0, 300) ?? null, ip: request.ip },
  headers: request.headers,
  setCookie: (cookie) => void reply.header('set-cookie', cookie),
});

export function sessionRoutes(http: Http, { store, signIn }: { store: Store; signIn: SignIn }): void {
  http.post(
    '/auth/login',
    {
      config: guarded,
      schema: {
        tags,
        summary: 'Log in',
        description:
          'Sets a cookie by which the browser is known to this account: its guesses count for itself alone. After many wrong ' +
          'passwords from elsewhere an unknown device gets 429 `proof_needed` where mail is sent (`POST /auth/proof`).',
        body: LoginInput,
        response: { 200: success(Login) },
      },
    },
    async (request, reply) => ok(await signIn.logIn(request.body, entranceOf(request, reply))),
  );

  http.post(
    '/auth/proof',
    {
      config: guarded,
      schema: {
        tags,
        summary: 'Have a link sent that proves who signs in',
        description:
          'The same answer for every address. The link is good for 15 minutes and one sign-in, with the password. 409 when this ' +
          'installation sends no mail.',
        body: ProofInput,
        response: { 200: success(Done) },
      },
    },
    async (request, reply) => {
      await signIn.askForProof(request.body.email, entranceOf(request, reply));
      return done();
    },
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
    async (request, reply) => ok(await signIn.setUp(request.body, entranceOf(request, reply))),
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
    async (request, reply) => ok(await signIn.acceptInvite(request.body, entranceOf(request, reply))),
  );
}
