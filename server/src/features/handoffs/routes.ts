import { handoffsApi } from '@parley/contract';
import { actorOf, countedCursor, ok } from '../../platform/http/index.ts';
import type { Actor, Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { pageOfQueue } from './queries.ts';

/** The desk tells everybody concerned; @throws conflict, naming the colleague who was faster */
type PickUp = (actor: Actor, handoffId: string) => Promise<{ id: string }>;

export function handoffRoutes(http: Http, { store, pickUp }: { store: Store; pickUp: PickUp }): void {
  addRoutes(http, handoffsApi, {
    list: async (request) => {
      const { workspaceId } = actorOf(request);
      const { handoffs, ...meta } = await store.inWorkspace(workspaceId, (tx) => pageOfQueue(tx, request.query));
      return countedCursor(handoffs, meta);
    },

    pickUp: async (request) => {
      const conversation = await pickUp(actorOf(request), request.params.id);
      return ok({ conversationId: conversation.id, handoffId: request.params.id });
    },
  });
}
