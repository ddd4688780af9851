import { recoveryApi } from '@parley/contract';
import { done, ok, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Mail } from '../mail/commands.ts';
import type { AddressProofs } from './address-proof.ts';
import type { Recovery } from './recovery.ts';
import { entranceOf } from './routes.ts';

const credentials = { limit: 'credentials', body: 'credentials' } as const;

export function recoveryRoutes(
  http: Http,
  { recovery, proofs, mail }: { recovery: Recovery; proofs: AddressProofs; mail: Mail },
): void {
  addRoutes(
    http,
    recoveryApi,
    {
      state: async () => ok({ mail: mail.delivery }),

      forgotPassword: async (request, reply) => {
        await recovery.forgot(request.body.email, entranceOf(request, reply));
        return done();
      },

      resetPassword: async (request, reply) => {
        const { token, password } = request.body;
        await recovery.reset(token, password, entranceOf(request, reply));
        return done();
      },

      proveAddress: async (request) => ok(await proofs.prove(request.body.token)),

      address: async (request) => ok(await proofs.state(signedInOf(request).userId)),

      askForAddressProof: async (request) => {
        await proofs.askForOwn(signedInOf(request).userId);
        return done();
      },
    },
    {
      forgotPassword: {
        ...credentials,
        description:
          'The same answer for every address. The link is good for 30 minutes and once. It goes to addresses that were proven; where ' +
          'no server for mail is set it is printed in the log of the server, or this is 409.',
      },
      resetPassword: {
        ...credentials,
        description: 'Ends all logins of the account; every other link of it opens nothing any more.',
      },
      proveAddress: {
        ...credentials,
        description: 'The address takes the place of the one before, if it was asked for to change it.',
      },
      askForAddressProof: {
        limit: 'credentials',
        description: 'Good for a day. 409 when it is proven, or no mail is sent.',
      },
    },
  );
}
