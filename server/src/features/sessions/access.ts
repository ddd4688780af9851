import type { FastifyRequest } from 'fastify';
import { createCache } from '../../platform/limits/cache.ts';
import type { SignedIn } from '../../platform/http/index.ts';
import { hashToken } from '../../platform/data/ids.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import type { Wake } from '../../platform/cluster/wake.ts';
import { noteApiKeyUse } from '../api-keys/commands.ts';
import { findApiKey, KEY_PREFIX } from '../api-keys/queries.ts';
import { API_KEY_REVOKED } from '../api-keys/topics.ts';
import { permissionsInFirst, permissionsOf } from '../members/policy.ts';
import { findPerson, membershipsOf } from '../members/queries.ts';
import { MEMBERSHIP_CHANGED } from '../members/topics.ts';
import { findFirstWorkspaceId, findWorkspaces } from '../workspaces/queries.ts';
import { noteSessionUse } from './commands.ts';
import { findOpenSession } from './queries.ts';
import type { AccessClaims, AccessTokens } from './tokens.ts';
import { SESSION_REVOKED } from './topics.ts';

/** How long another process may still believe a session that was revoked when the broadcast is lost, in milliseconds. */
const BELIEVED_MS = 3_000;
const NOBODY: ReadonlySet<never> = new Set();

export type Access = {
  /** For `createHttp`: who the bearer token of the request is for. */
  authenticate(request: FastifyRequest): Promise<SignedIn | null>;
  /** The same for a token that came another way (sockets). Null for a session or a membership that ended. */
  verify(accessToken: string): Promise<SignedIn | null>;
  /** Ends a session at once, here and in the other processes: to be called after the commit that revoked it. */
  announceRevoked(sessionId: string): void;
  /** What this process believes of people is looked up again; the others do within seconds. */
  forget(): void;
  close(): void;
};

export const createAccess = (parts: { store: Store; wake: Wake; tokens: AccessTokens }): Access => {
  const { store, wake, tokens } = parts;
  const believed = createCache<{ signedIn: SignedIn | null }>({ max: 10_000, ttlMs: BELIEVED_MS });
  const believedKeys = createCache<{ signedIn: SignedIn | null }>({ max: 10_000, ttlMs: BELIEVED_MS });
  const forget = () => {
    believed.clear();
    believedKeys.clear();
  };
  const topics = [SESSION_REVOKED, API_KEY_REVOKED, MEMBERSHIP_CHANGED, RESYNC];
  const stops = topics.map((topic) => wake.on(topic, forget));

  /** Once there is one it stays the first. */
  let first: string | undefined;

  const lookUp = async (tx: Tx, { userId, sessionId, workspaceId }: AccessClaims): Promise<SignedIn | null> => {
    const session = await findOpenSession(tx, sessionId, userId);
    if (!session) return null;
    const person = await findPerson(tx, userId);
    if (!person) return null;
    if (!session.usedLately) await noteSessionUse(tx, sessionId);
    const { name, email } = person;
    const common = { userId, sessionId, name, email };
    if (workspaceId === null) return { ...common, workspaceId, role: null, permissions: NOBODY };
    const membership = (await membershipsOf(tx, userId)).find(({ id }) => id === workspaceId);
    // A token for a workspace one was removed from is worth nothing; refreshing it leads to another workspace.
    if (!membership) return null;
    first ??= await findFirstWorkspaceId(tx);
    const permissions = (workspaceId === first ? permissionsInFirst : permissionsOf)(membership.role);
    return { ...common, workspaceId, role: membership.role, permissions };
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

  /** A key may what its scopes say, as long as whoever made it may that, too. */
  const lookUpKey = async (tx: Tx, key: string): Promise<SignedIn | null> => {
    const found = await findApiKey(tx, key);
    if (!found) return null;
    const person = await findPerson(tx, found.createdBy);
    const membership = (await membershipsOf(tx, found.createdBy)).find(({ id }) => id === found.workspaceId);
    const workspace = (await findWorkspaces(tx, [found.workspaceId])).get(found.workspaceId);
    if (!person || !membership || !workspace) return null;
    if (!found.usedLately) await noteApiKeyUse(tx, found.id);
    const own = permissionsOf(membership.role);
    return {
      userId: person.id,
      sessionId: found.id,
      name: person.name,
      email: person.email,
      workspaceId: found.workspaceId,
      // No program makes or removes owners.
      role: membership.role === 'owner' ? 'admin' : membership.role,
      permissions: new Set(found.scopes.filter((scope) => own.has(scope))),
      apiKey: { plan: workspace.plan },
    };
  };

  const verifyKey = async (key: string): Promise<SignedIn | null> => {
    const { signedIn } = await believedKeys.load(hashToken(key), async () => ({
      signedIn: await store.asSystem((tx) => lookUpKey(tx, key)),
    }));
    return signedIn;
  };

  return {
    authenticate: async (request) => {
      const [, token] = /^bearer ([\w.-]{1,2000})$/i.exec(request.headers.authorization ?? '') ?? [];
      if (!token) return null;
      return token.startsWith(KEY_PREFIX) ? verifyKey(token) : verify(token);
    },
    verify,
    forget,
    announceRevoked: (sessionId) => {
      forget();
      // Wakes here: a session is of a person, whatever the workspace, and a change is of one workspace.
      wake.wake(SESSION_REVOKED, sessionId);
    },
    close: () => {
      for (const stop of stops) stop();
    },
  };
};
