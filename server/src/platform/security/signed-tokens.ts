import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { JWTPayload } from 'jose';

const ISSUER = 'parley';
/** how far the clocks of two processes may be apart */
const SKEW_SECONDS = 60;

export type SignedTokens = {
  issue(subject: string, claims: Record<string, unknown>): Promise<string>;
  /** Null for anything not signed by us for this audience, too old, or good for longer than we ever issue. */
  read(token: string): Promise<JWTPayload | null>;
};

/** JWTs, HS256, for one purpose: `audience` keeps those of one from being taken for those of another. */
export function createSignedTokens(options: {
  secret: string;
  audience: string;
  lifetimeSeconds: number;
}): SignedTokens {
  const { audience, lifetimeSeconds } = options;
  const key = createSecretKey(Buffer.from(options.secret, 'utf8'));

  /** The library checks `exp` where there is one; without it, or with one of our own far from now, a token never ends. */
  function endsInTime({ exp, iat }: JWTPayload): boolean {
    if (exp === undefined || iat === undefined) return false;
    return exp - iat <= lifetimeSeconds && exp <= Date.now() / 1_000 + lifetimeSeconds + SKEW_SECONDS;
  }

  return {
    issue: (subject, claims) => {
      const now = Math.floor(Date.now() / 1_000);
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(subject)
        .setIssuer(ISSUER)
        .setAudience(audience)
        .setIssuedAt(now)
        .setExpirationTime(now + lifetimeSeconds)
        .sign(key);
    },
    read: async (token) => {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          typ: 'JWT',
          issuer: ISSUER,
          audience,
          requiredClaims: ['sub', 'iat', 'exp'],
        });
        return endsInTime(payload) ? payload : null;
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}
