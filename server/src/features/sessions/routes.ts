import { authApi } from '@parley/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { done, ok, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { deviceOf } from './device.ts';
import { needsSetup } from './setup.ts';
import type { Entrance, SignIn } from './sign-in.ts';

/** Takes a secret: no login, and few tries. */
export const entranceOf = (request: FastifyRequest, reply: FastifyReply): Entrance => ({
  device: deviceOf(request),
  headers: request.headers,
  setCookie: (cookie) => void reply.header('set-cookie', cookie),
});

export function sessionRoutes(http: Http, { store, signIn }: { store: Store; signIn: SignIn }): void {
  addRoutes(
    http,
    authApi,
    {
      signIn: async (request, reply) => ok(await signIn.logIn(request.body, entranceOf(request, reply))),

      askForProof: async (request, reply) => {
        await signIn.askForProof(request.body.email, entranceOf(request, reply));
        return done();
      },

      refresh: async (request) => ok(await signIn.refresh(request.body.refreshToken, deviceOf(request))),

      signOut: async (request) => {
        await signIn.logOut(request.body.refreshToken);
        return done();
      },

      switchWorkspace: async (request) => ok(await signIn.switchTo(request.body.workspaceId, signedInOf(request))),

      setupState: async () => ok({ needsSetup: await store.asSystem(needsSetup) }),

      setUp: async (request, reply) => ok(await signIn.setUp(request.body, entranceOf(request, reply))),

      previewInvitation: async (request) => ok(await signIn.previewInvitation(request.params.token)),

      acceptInvite: async (request, reply) => ok(await signIn.acceptInvite(request.body, entranceOf(request, reply))),
    },
    {
      signIn: {
        limit: 'credentials',
        body: 'credentials',
        description:
          'Sets a cookie by which the browser is known to this account: its guesses count for itself alone. After many wrong ' +
          'passwords from elsewhere an unknown device gets 429 `proof_needed` where mail is sent (`POST /auth/proof`).',
      },
      askForProof: {
        limit: 'credentials',
        body: 'credentials',
        description:
          'The same answer for every address. The link is good for 15 minutes and one sign-in, with the password. 409 when this ' +
          'installation sends no mail.',
      },
      refresh: {
        body: 'credentials',
        description:
          'A refresh token works once. The last one that was used is answered for 30 seconds more, with the same successor: an answer ' +
          'may be lost. Presenting it later, or an older one, ends the login it belongs to.',
      },
      signOut: {
        body: 'credentials',
        description: 'Ends the login: its tokens stop working and its sockets are closed.',
      },
      switchWorkspace: { body: 'credentials', description: 'The refresh token from before stops working.' },
      setUp: {
        limit: 'credentials',
        body: 'credentials',
        description: 'With the token of the link printed at the first start.',
      },
      previewInvitation: { limit: 'credentials', body: 'credentials' },
      acceptInvite: {
        limit: 'credentials',
        body: 'credentials',
        description:
          'Somebody with an account gives its password; somebody without one gives a name and a new password.',
      },
    },
  );
}
