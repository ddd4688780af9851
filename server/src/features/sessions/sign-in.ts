import type { IncomingHttpHeaders } from 'node:http';
import type { Login } from '@parley/contract';
import type { z } from 'zod';
import type { AcceptInviteInput, LoginInput, SetupInput } from '@parley/contract';
import { AppError, badRequest, conflict, notFound, unauthorized } from '../../platform/errors.ts';
import type { SignedIn } from '../../platform/http/index.ts';
import { hashToken, newId } from '../../platform/data/ids.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Passwords } from '../../platform/security/password.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import type { Mail } from '../mail/commands.ts';
import { languageOf } from '../mail/policy.ts';
import { acceptInvitation, addAccount, markAddressProven, refreshPasswordHash } from '../members/commands.ts';
import { findAccount, findInvitation, findPerson, membershipsOf } from '../members/queries.ts';
import type { Access } from './access.ts';
import type { Arrivals } from './arrivals.ts';
import { recordAttempt } from './attempts.ts';
import { endSession, startSession } from './commands.ts';
import type { Device } from './commands.ts';
import type { Devices } from './device.ts';
import { addProof, PROOF_MINUTES, proofLink, useProof } from './proof.ts';
import { addRefreshToken, continueSession, moveSession, useRefreshToken } from './rotation.ts';
import { assertSetupToken, setUp } from './setup.ts';
import type { Throttle } from './throttle.ts';
import type { AccessTokens } from './tokens.ts';

/** Who knocks, and a way to give their browser a cookie. */
export type Entrance = { device: Device; headers: IncomingHttpHeaders; setCookie(cookie: string): void };

type Person = { id: string; email: string; name: string };

/** One sentence for every way a login can fail, so that it tells nothing about who has an account. */
const refused = () => unauthorized('The e-mail address or the password is not right.');
const expired = () => unauthorized('Your sign-in has ended. Sign in again.');

/**
 * The ways into the product. Each is a function of what was sent; passwords are hashed and compared outside of
 * transactions, since that takes long.
 */
export const createSignIn = (parts: {
  store: Store;
  passwords: Passwords;
  tokens: AccessTokens;
  access: Access;
  throttle: Throttle;
  devices: Devices;
  mail: Mail;
  arrive: Arrivals;
  publicUrl: string;
  log: Logger;
}) => {
  const { store, passwords, tokens, access, throttle, devices, mail, arrive, publicUrl, log } = parts;

  type Opened = { user: Person; sessionId: string; refreshToken: string; workspaceId: string | null };
  /** After the commit. `mailIds`: what it caused to be sent. */
  const present = async (
    opened: Opened & { mailIds?: (string | undefined)[] },
    workspaces: Login['workspaces'],
  ): Promise<Login> => {
    const { user, sessionId, refreshToken, workspaceId, mailIds = [] } = opened;
    mail.dispatch(mailIds);
    const accessToken = await tokens.issue({ userId: user.id, sessionId, workspaceId });
    return { accessToken, refreshToken, user, workspaces, workspaceId };
  };

  /** `wanted` if the person still belongs there, else where they belonged first. */
  const choose = async (tx: Tx, userId: string, wanted: string | null) => {
    const workspaces = await membershipsOf(tx, userId);
    const chosen = workspaces.find(({ id }) => id === wanted) ?? workspaces[0];
    return { workspaces, workspaceId: chosen?.id ?? null };
  };

  /** `known` names the device that knew the account before. */
  const open = async (tx: Tx, user: Person, wanted: string | null, { device, headers }: Entrance, known?: string) => {
    const knownDevice = known !== undefined;
    const mailIds = await arrive(tx, user.id, { device, headers, knownDevice });
    await recordAttempt(tx, user.id, { outcome: 'signed_in', device, knownDevice });
    const { workspaces, workspaceId } = await choose(tx, user.id, wanted);
    const sessionId = await startSession(tx, user.id, device);
    const refreshToken = await addRefreshToken(tx, sessionId, workspaceId);
    return { workspaces, opened: { user, workspaceId, mailIds, sessionId, refreshToken } };
  };

  /** Not waited for: how long an answer takes must not tell whether there is an account. */
  const record = (userId: string, attempt: Parameters<typeof recordAttempt>[2]): void => {
    store
      .asSystem((tx) => recordAttempt(tx, userId, attempt))
      .catch((error: unknown) => log.warn({ err: error }, 'an attempt to sign in was not written down'));
  };
  const remember = async ({ setCookie }: Entrance, userId: string, deviceId = newId()): Promise<void> =>
    setCookie(await devices.cookie(userId, deviceId));

  /** The account, if the password is its own. The work is the same when there is no such account. */
  const proven = async (email: string, password: string, entrance: Entrance, proof?: string) => {
    const { device, headers } = entrance;
    const account = await store.asSystem((tx) => findAccount(tx, email));
    let deviceId = account && (await devices.read(headers, account.id));
    const knownDevice = deviceId !== undefined;
    // Looked for also where there is no account: how long that takes must not tell.
    const owner = account?.id ?? newId();
    const isProven = proof !== undefined && (await store.asSystem((tx) => useProof(tx, owner, proof)));
    if (account && isProven) {
      // Good for one sign-in; a mistyped password after it is a guess of a known device.
      deviceId ??= newId();
      await remember(entrance, account.id, deviceId);
    }
    const guess = { email, address: device.ip ?? '', deviceId };
    try {
      await throttle.count(guess);
    } catch (error) {
      const isNoted = error instanceof AppError && (await throttle.isWorthNoting(email));
      if (account && isNoted) record(account.id, { outcome: 'refused', device, knownDevice });
      throw error;
    }
    const right = await passwords.verify(password, account?.passwordHash ?? undefined);
    if (!account || !right || account.disabledAt) {
      if (account) record(account.id, { outcome: 'wrong_password', device, knownDevice });
      return undefined;
    }
    await throttle.forgive(guess);
    await remember(entrance, account.id, deviceId);
    return { ...account, isProven, deviceId: knownDevice ? deviceId : undefined };
  };

  return {
    logIn: async ({ email, password, proof }: z.infer<typeof LoginInput>, entrance: Entrance): Promise<Login> => {
      const account = await proven(email, password, entrance, proof);
      if (!account) throw refused();
      const { id, name, passwordHash } = account;
      const stale = passwordHash && passwords.isStale(passwordHash) ? await passwords.hash(password) : undefined;
      const { opened, workspaces } = await store.asSystem(async (tx) => {
        if (stale) await refreshPasswordHash(tx, id, stale);
        // The link came by mail, and the password says whose account it is.
        if (account.isProven) await markAddressProven(tx, id);
        return open(tx, { id, email, name }, null, entrance, account.deviceId);
      });
      return present(opened, workspaces);
    },

    /** The same for every address, whether somebody has an account there or not. @throws conflict without mail */
    askForProof: async (email: string, { device, headers }: Entrance): Promise<void> => {
      if (mail.delivery !== 'sent')
        throw conflict('This installation sends no mail: a link cannot be sent. Wait and try again.');
      const mayMail = await throttle.countLink(email, device.ip ?? '');
      const account = await store.asSystem((tx) => findAccount(tx, email));
      if (!account || account.disabledAt || !mayMail) return;
      const knownDevice = (await devices.read(headers, account.id)) !== undefined;
      // Behind the answer, for the same reason as `record`.
      store
        .asSystem(async (tx) => {
          await recordAttempt(tx, account.id, { outcome: 'link_sent', device, knownDevice });
          const values = { name: account.name, link: proofLink(publicUrl, await addProof(tx, account.id)) };
          const language = account.language ?? languageOf(headers['accept-language']);
          const to = account.email;
          return mail.write(tx, { template: 'sign_in_link', to, language, values, minutes: PROOF_MINUTES });
        })
        .then((id) => mail.dispatch([id]))
        .catch((error: unknown) => log.error({ err: error }, 'a link to sign in was not sent'));
    },

    refresh: async (refreshToken: string, device: Device): Promise<Login> => {
      // What a used token brings about has to be committed, so nothing is thrown inside.
      const result = await store.asSystem(async (tx) => {
        const rotation = await useRefreshToken(tx, refreshToken);
        if (rotation.outcome === 'reused' || rotation.outcome === 'unknown') return rotation;
        const { sessionId, userId, next } = rotation;
        const user = await findPerson(tx, userId);
        if (!user) return { outcome: 'unknown' as const };
        const { workspaces, workspaceId } = await choose(tx, userId, rotation.workspaceId);
        if (rotation.outcome === 'rotated') await continueSession(tx, { sessionId, workspaceId, next }, device);
        const opened = { user, sessionId, refreshToken: next, workspaceId };
        return { outcome: 'continued' as const, workspaces, opened };
      });
      if (result.outcome === 'reused') access.announceRevoked(result.sessionId);
      if (result.outcome !== 'continued') throw expired();
      return present(result.opened, result.workspaces);
    },

    /** Does nothing for a token nobody has: the caller is signed out either way. */
    logOut: async (refreshToken: string): Promise<void> => {
      const sessionId = await store.asSystem((tx) => endSession(tx, refreshToken));
      if (sessionId) access.announceRevoked(sessionId);
    },

    /** @throws not-found for a workspace the person does not belong to */
    switchTo: async (workspaceId: string, signedIn: SignedIn): Promise<Login> => {
      const { userId, sessionId, email, name } = signedIn;
      const { workspaces, refreshToken } = await store.asSystem(async (tx) => {
        const mine = await membershipsOf(tx, userId);
        if (!mine.some(({ id }) => id === workspaceId)) throw notFound('The workspace');
        return { workspaces: mine, refreshToken: await moveSession(tx, sessionId, workspaceId) };
      });
      return present({ user: { id: userId, email, name }, sessionId, refreshToken, workspaceId }, workspaces);
    },

    setUp: async (input: z.infer<typeof SetupInput>, entrance: Entrance): Promise<Login> => {
      const { token, email, name, workspaceName } = input;
      await store.asSystem((tx) => assertSetupToken(tx, token));
      const passwordHash = await passwords.hash(input.password);
      const { opened, workspaces } = await store.asSystem(async (tx) => {
        const { userId } = await setUp(tx, token, { email, name, passwordHash, workspaceName });
        return open(tx, { id: userId, email, name }, null, entrance);
      });
      await remember(entrance, opened.user.id);
      return present(opened, workspaces);
    },

    previewInvitation: (token: string) =>
      store.asSystem(async (tx) => {
        const invitation = await findInvitation(tx, hashToken(token));
        if (!invitation) throw notFound('The invitation');
        const { email, role, workspaceName, expiresAt } = invitation;
        const hasAccount = (await findAccount(tx, email)) !== undefined;
        return { email, role, workspaceName, expiresAt: expiresAt.toISOString(), hasAccount };
      }),

    /** Somebody with an account proves to be its owner; an invitation never changes a password. */
    acceptInvite: async (input: z.infer<typeof AcceptInviteInput>, entrance: Entrance): Promise<Login> => {
      const { token, name, password } = input;
      const { invitation, known } = await store.asSystem(async (tx) => {
        const found = await findInvitation(tx, hashToken(token));
        if (!found) throw notFound('The invitation');
        return { invitation: found, known: (await findAccount(tx, found.email)) !== undefined };
      });
      const { email } = invitation;
      const account = known ? await proven(email, password, entrance) : undefined;
      if (known && !account) throw unauthorized('This is not the password of your account.');
      if (!account && !name) {
        throw badRequest('The input is not valid.', [{ field: 'name', message: 'is needed for a new account' }]);
      }
      const passwordHash = account ? '' : await passwords.hash(password);
      const { opened, workspaces } = await store.asSystem(async (tx) => {
        const user = account ?? {
          id: await addAccount(tx, { email, name: name ?? email, passwordHash, isProven: invitation.byMail }),
          name: name ?? email,
        };
        if (account && invitation.byMail) await markAddressProven(tx, account.id);
        const { workspaceId } = await acceptInvitation(tx, invitation.id, user.id);
        return open(tx, { id: user.id, email, name: user.name }, workspaceId, entrance, account?.deviceId);
      });
      if (!account) await remember(entrance, opened.user.id);
      return present(opened, workspaces);
    },
  };
};
export type SignIn = ReturnType<typeof createSignIn>;
