import { accountApi } from '@parley/contract';
import type { OpenSession } from '@parley/contract';
import { done, ok, page, signedInOf } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { Account } from './account.ts';
import { listOpenSessions } from './queries.ts';
import type { SessionRow } from './queries.ts';
import { readUserAgent } from './user-agent.ts';

const present = ({ id, userAgent, ip, createdAt, lastSeenAt }: SessionRow, currentId: string): OpenSession => ({
  id,
  ...readUserAgent(userAgent),
  address: ip?.replace(/^::ffff:(?=\d+\.)/i, '') ?? null,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastSeenAt.toISOString(),
  current: id === currentId,
});

export function accountRoutes(http: Http, { store, account }: { store: Store; account: Account }): void {
  addRoutes(
    http,
    accountApi,
    {
      listSessions: async (request) => {
        const { userId, sessionId } = signedInOf(request);
        const { rows, total } = await store.asSystem((tx) => listOpenSessions(tx, userId, request.query));
        return page(
          rows.map((row) => present(row, sessionId)),
          { ...request.query, total },
        );
      },
      endSession: async (request) => {
        await account.endSession(request.params.id, signedInOf(request));
        return done();
      },
      endOtherSessions: async (request) => ok({ ended: await account.endOthers(signedInOf(request)) }),
    },
    {
      endSession: { description: 'Its tokens stop working and its sockets are closed. 404 for one that ended before.' },
      endOtherSessions: { description: 'Says how many there were.' },
    },
  );
}
