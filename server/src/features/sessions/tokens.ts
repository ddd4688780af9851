import { createSecretKey } from 'node:crypto';
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

const HOUR = 3_600;
const issuer = 'parley';
const audience = 'parley:dashboard';

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

/** JWT, HS256, one hour. */
export const createAccessTokens = (jwtSecret: string): AccessTokens => {
  const key = createSecretKey(Buffer.from(jwtSecret, 'utf8'));
  return {
    issue: ({ userId, sessionId, workspaceId }) => {
      const now = Math.floor(Date.now() / 1_000);
      return new SignJWT({ sid: sessionId, wid: workspaceId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(now)
        .setExpirationTime(now + HOUR)
        .sign(key);
    },
    read: async (token) => {
      try {
        const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], issuer, audience });
        const claims = Claims.safeParse(payload);
        if (!claims.success) return null;
        return { userId: claims.data.sub, sessionId: claims.data.sid, workspaceId: claims.data.wid };
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
};
