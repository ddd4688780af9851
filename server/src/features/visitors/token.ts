import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

const issuer = 'parley';
const audience = 'parley:visitor';
/** Renewed at every visit, so a customer who comes back within a month finds the conversation. */
const DAYS = 30;

const Claims = z.object({ sub: z.uuid(), inbox: z.uuid() });

/** Who a visitor is to one inbox, signed by us: nobody becomes somebody else by knowing an id. */
export type VisitorTokens = {
  issue(visitor: { visitorId: string; inboxId: string }): Promise<string>;
  /** The visitor's id; null for anything not signed by us for this inbox, or too old. */
  read(token: string, inboxId: string): Promise<string | null>;
};

export function createVisitorTokens(jwtSecret: string): VisitorTokens {
  const key = createSecretKey(Buffer.from(jwtSecret, 'utf8'));
  return {
    issue: ({ visitorId, inboxId }) =>
      new SignJWT({ inbox: inboxId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(visitorId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${DAYS}d`)
        .sign(key),
    read: async (token, inboxId) => {
      try {
        const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], issuer, audience });
        const claims = Claims.safeParse(payload);
        return claims.success && claims.data.inbox === inboxId ? claims.data.sub : null;
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}
