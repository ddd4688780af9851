import type { MePatch, User } from '@parley/contract';
import { badRequest, notFound } from '../../platform/errors.ts';
import type { SignedIn } from '../../platform/http/index.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Passwords } from '../../platform/security/password.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { refreshPasswordHash, renamePerson } from '../members/commands.ts';
import { findOwnAccount, findPerson } from '../members/queries.ts';
import type { Access } from './access.ts';
import type { AskForAddress } from './address.ts';
import { recordAttempt } from './attempts.ts';
import { endOtherSessions, endOwnSession } from './commands.ts';
import type { Device } from './commands.ts';
import { forgetMailedLinks } from './proof.ts';
import type { Throttle } from './throttle.ts';

const wrong = (message: string) => badRequest('The input is not valid.', [{ field: 'currentPassword', message }]);

/** What somebody changes about their own account. Passwords are hashed and compared outside of transactions. */
export const createAccount = (parts: {
  store: Store;
  passwords: Passwords;
  access: Access;
  throttle: Throttle;
  askForAddress: AskForAddress;
  log: Logger;
}) => {
  const { store, passwords, access, throttle, askForAddress, log } = parts;

  /** A stolen session is no password: guesses from it are few, and its owner sees them. */
  const prove = async (signedIn: SignedIn, password: string | undefined, device: Device): Promise<void> => {
    if (password === undefined) throw wrong('is needed for a new address or password');
    const { userId, sessionId, email } = signedIn;
    const guess = { email, address: '', deviceId: `session ${sessionId}` };
    await throttle.count(guess);
    const account = await store.asSystem((tx) => findOwnAccount(tx, userId));
    if (!(await passwords.verify(password, account?.passwordHash ?? undefined))) {
      store
        .asSystem((tx) => recordAttempt(tx, userId, { outcome: 'wrong_password', device, knownDevice: true }))
        .catch((error: unknown) => log.warn({ err: error }, 'a wrong password was not written down'));
      throw wrong('is not the current password');
    }
    await throttle.forgive(guess);
  };

  /** The ids of the sessions it ends. */
  const renewPassword = async (tx: Tx, { userId, sessionId }: SignedIn, passwordHash: string): Promise<string[]> => {
    await refreshPasswordHash(tx, userId, passwordHash);
    return endOtherSessions(tx, userId, sessionId, 'the password was changed');
  };

  const announce = (ended: string[]): void => {
    for (const id of ended) access.announceRevoked(id);
  };

  return {
    /**
     * The person as they are then.
     *
     * @throws bad-request without the current password; too-many after wrong ones; what asking for an address throws
     */
    change: async (patch: MePatch, signedIn: SignedIn, device: Device): Promise<User> => {
      const { userId } = signedIn;
      const { name, password } = patch;
      const email = patch.email === signedIn.email ? undefined : patch.email;
      if (email !== undefined || password !== undefined) await prove(signedIn, patch.currentPassword, device);
      if (email !== undefined) {
        // Before the link to the new address is mailed, which has to stay good.
        await store.asSystem((tx) => forgetMailedLinks(tx, userId));
        await askForAddress(userId, email);
      }
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      const { ended, person } = await store.asSystem(async (tx) => {
        if (name !== undefined) await renamePerson(tx, userId, name);
        if (passwordHash !== undefined && email === undefined) await forgetMailedLinks(tx, userId);
        const others = passwordHash === undefined ? [] : await renewPassword(tx, signedIn, passwordHash);
        return { ended: others, person: await findPerson(tx, userId) };
      });
      announce(ended);
      access.forget();
      if (!person) throw notFound('The account');
      return person;
    },

    /** @throws not-found for one that is somebody else's, or ended before */
    endSession: async (id: string, { userId }: SignedIn): Promise<void> => {
      if (!(await store.asSystem((tx) => endOwnSession(tx, userId, id)))) throw notFound('The session');
      announce([id]);
    },

    /** How many. */
    endOthers: async ({ userId, sessionId }: SignedIn): Promise<number> => {
      const ended = await store.asSystem((tx) => endOtherSessions(tx, userId, sessionId, 'ended by its owner'));
      announce(ended);
      return ended.length;
    },
  };
};
export type Account = ReturnType<typeof createAccount>;
