import { decodeJwt } from 'jose';
import { z } from 'zod';
import { createSignedTokens } from '../../platform/security/signed-tokens.ts';

const HOUR = 3_600;

const Claims = z.object({ sub: z.uuid(), sid: z.uuid(), wid: z.uuid().nullable() });

/** What an access token says. Whether it still holds is for the session store to say. */
export type AccessClaims = { userId: string; sessionId: string; workspaceId: string | null };

export type AccessTokens = {
  issue(claims: AccessClaims): Promise<string>;
  /** Null for anything not signed by us for this, or too old. */
  read(token: string): Promise<AccessClaims | null>;
};

/** When a token that was read ends, in milliseconds since 1970. */
export const expiryOf = (token: string): number => (decodeJwt(token).exp ?? 0) * 1_000;

/** For one hour. */
export const createAccessTokens = (jwtSecret: string): AccessTokens => {
  const tokens = createSignedTokens({ secret: jwtSecret, audience: 'parley:dashboard', lifetimeSeconds: HOUR });
  return {
    issue: ({ userId, sessionId, workspaceId }) => tokens.issue(userId, { sid: sessionId, wid: workspaceId }),
    read: async (token) => {
      const claims = Claims.safeParse(await tokens.read(token));
      if (!claims.success) return null;
      return { userId: claims.data.sub, sessionId: claims.data.sid, workspaceId: claims.data.wid };
    },
  };
};
