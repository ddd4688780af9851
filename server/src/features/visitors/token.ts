import { z } from 'zod';
import { createSignedTokens } from '../../platform/security/signed-tokens.ts';

/** Renewed at every visit, so a customer who comes back within a month finds the conversation. */
const MONTH = 30 * 86_400;

const Claims = z.object({ sub: z.uuid(), inbox: z.uuid() });

/** Who a visitor is to one inbox, signed by us: nobody becomes somebody else by knowing an id. */
export type VisitorTokens = {
  issue(visitor: { visitorId: string; inboxId: string }): Promise<string>;
  /** The visitor's id; null for anything not signed by us for this inbox, or too old. */
  read(token: string, inboxId: string): Promise<string | null>;
};

export function createVisitorTokens(jwtSecret: string): VisitorTokens {
  const tokens = createSignedTokens({ secret: jwtSecret, audience: 'parley:visitor', lifetimeSeconds: MONTH });
  return {
    issue: ({ visitorId, inboxId }) => tokens.issue(visitorId, { inbox: inboxId }),
    // Whether the visitor has ended is not in the token: see handshake.ts.
    read: async (token, inboxId) => {
      const claims = Claims.safeParse(await tokens.read(token));
      return claims.success && claims.data.inbox === inboxId ? claims.data.sub : null;
    },
  };
}
