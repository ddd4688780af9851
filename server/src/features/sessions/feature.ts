import { defineFeature } from '../../feature.ts';
import { createPasswords } from '../../platform/security/password.ts';
import type { Passwords } from '../../platform/security/password.ts';
import { createAccount } from './account.ts';
import { accountRoutes } from './account-routes.ts';
import { createAccess } from './access.ts';
import { createAddressProofs } from './address-proof.ts';
import { createArrivals } from './arrivals.ts';
import type { Access } from './access.ts';
import { createAskForAddress } from './address.ts';
import { createDevices } from './device.ts';
import { meRoutes } from './me-routes.ts';
import { recoveryRoutes } from './recovery-routes.ts';
import { createRecovery } from './recovery.ts';
import { sessionRoutes } from './routes.ts';
import { ensureSetup } from './setup.ts';
import { ownerSettings } from './settings.ts';
import { createSignIn } from './sign-in.ts';
import { createThrottle } from './throttle.ts';
import { createAccessTokens } from './tokens.ts';
import { SESSION_REVOKED } from './topics.ts';

declare module '../../kit.ts' {
  interface Services {
    access: Access;
    passwords: Passwords;
  }
}

export const sessions = defineFeature({
  name: 'sessions',
  tables: ['sessions', 'refresh_tokens', 'one_time_tokens', 'sign_ins'],
  settings: [ownerSettings],
  uses: ['config', 'settingsOf', 'log', 'store', 'wake', 'publish', 'makeLimiter', 'mail', 'access', 'passwords'],
  topics: { broadcast: [SESSION_REVOKED] },
  provides: {
    passwords: () => createPasswords(),
    access: ({ store, wake, config }) =>
      createAccess({ store, wake, tokens: createAccessTokens(config.secrets.jwtSecret) }),
  },
  setUp({ config, settingsOf, log, store, publish, makeLimiter, mail, access, passwords }) {
    const { publicUrl } = config;
    const { jwtSecret } = config.secrets;
    const throttle = createThrottle(makeLimiter, { canMail: mail.delivery === 'sent' });
    const devices = createDevices({ jwtSecret, publicUrl });
    const proofs = createAddressProofs({ store, mail, makeLimiter, publicUrl, forget: access.forget });
    const recovery = createRecovery({ store, passwords, access, devices, mail, makeLimiter, publicUrl, log });
    // Where no mail is sent nothing can be proven: the address is another one at once, and unproven.
    const askForAddress = mail.delivery === 'sent' ? proofs.askForChange : createAskForAddress({ store, throttle });
    const account = createAccount({ store, passwords, access, throttle, askForAddress, log });
    const signIn = createSignIn({
      ...{ store, passwords, access, devices, mail, publicUrl, log, throttle, tokens: createAccessTokens(jwtSecret) },
      arrive: createArrivals({ mail, proofs, publicUrl }),
    });
    return {
      authenticate: access.authenticate,
      routes(api) {
        sessionRoutes(api, { store, signIn });
        meRoutes(api, { store, publish, account });
        accountRoutes(api, { store, account });
        recoveryRoutes(api, { recovery, proofs, mail });
      },
      async firstSteps() {
        const setup = await ensureSetup({ store, passwords, publicUrl, owner: settingsOf(ownerSettings) });
        return { setupUrl: setup.state === 'link' ? setup.url : undefined };
      },
      release: () => access.close(),
    };
  },
});
