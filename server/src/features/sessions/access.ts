import type { FastifyRequest } from 'fastify';
import { createCache } from '../../platform/cache.ts';
import type { SignedIn } from '../../platform/http/index.ts';
import type { Store, Tx } from '../../platform/tenant.ts';
import { RESYNC } from '../../platform/wake.ts';
import type { Wake } from '../../platform/wake.ts';
import { permissionsOf } from '../members/policy.ts';
import { findPerson, membershipsOf } from '../members/queries.ts';
import { MEMBERSHIP_CHANGED } from '../members/topics.ts';
import { isSessionOpen } from './queries.ts';
import type { AccessClaims, AccessTokens } from './tokens.ts';
import { SESSION_REVOKED } from './topics.ts';

/** How long another process may still believe a session that was revoked when the news are lost, in milliseconds. */
const BELIEVED_MS = 3_000;
const NOBODY: ReadonlySet<never> = new Set();

export type Access = {
  /** For `createHttp`: who the bearer token of the request is for. */
  authenticate(request: FastifyRequest): Promise<SignedIn | null>;
  /** The same for a token that came another way (sockets). Null for a session or a membership that ended. */
  verify(accessToken: string): Promise<SignedIn | null>;
  /** Ends a session at once, here and in the other processes: to be called after the commit that revoked it. */
  announceRevoked(sessionId: string): void;
  close(): void;
};

export const createAccess = (parts: { store: Store; wake: Wake; tokens: AccessTokens }): Access => {
  const { store, wake, tokens } = parts;
  const believed = createCache<{ signedIn: SignedIn | null }>({ max: 10_000, ttlMs: BELIEVED_MS });
  const forget = () => believed.clear();
  const stops = [wake.on(SESSION_REVOKED, forget), wake.on(MEMBERSHIP_CHANGED, forget), wake.on(RESYNC, forget)];

  const lookUp = async (tx: Tx, { userId, sessionId, workspaceId }: AccessClaims): Promise<SignedIn | null> => {
    if (!(await isSessionOpen(tx, sessionId, userId))) return null;
    const person = await findPerson(tx, userId);
    if (!person) return null;
    const { name, email } = person;
    const common = { userId, sessionId, name, email };
    if (workspaceId === null) return { ...common, workspaceId, role: null, permissions: NOBODY };
    const membership = (await membershipsOf(tx, userId)).find(({ id }) => id === workspaceId);
    // A token for a workspace one was removed from is worth nothing; refreshing it leads to another workspace.
    if (!membership) return null;
    return { ...common, workspaceId, role: membership.role, permissions: permissionsOf(membership.role) };
  };

  const verify = async (accessToken: string): Promise<SignedIn | null> => {
    const claims = await tokens.read(accessToken);
    if (!claims) return null;
    const key = `${claims.sessionId}:${claims.userId}:${claims.workspaceId}`;
    const { signedIn } = await believed.load(key, async () => ({
      signedIn: await store.asSystem((tx) => lookUp(tx, claims)),
    }));
    return signedIn;
  };

  return {
    authenticate: async (request) => {
      const [, token] = /^bearer ([\w.-]{1,2000})$/i.exec(request.headers.authorization ?? '') ?? [];
      return token ? verify(token) : null;
    },
    verify,
    announceRevoked: (sessionId) => {
      forget();
      wake.wake(SESSION_REVOKED, sessionId);
    },
    close: () => {
      for (const stop of stops) stop();
    },
  };
};
