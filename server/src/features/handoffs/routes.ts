import { handoffsApi } from '@parley/contract';
import { actorOf, ok, page } from '../../platform/http/index.ts';
import type { Actor, Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { listQueue } from './queries.ts';

/** The desk tells everybody concerned; @throws conflict, naming the colleague who was faster */
type PickUp = (actor: Actor, handoffId: string) => Promise<{ id: string }>;

export function handoffRoutes(http: Http, { store, pickUp }: { store: Store; pickUp: PickUp }): void {
  addRoutes(http, handoffsApi, {
    list: async (request) => {
      const { workspaceId } = actorOf(request);
      const { page: number, limit } = request.query;
      const waiting = await store.inWorkspace(workspaceId, (tx) => listQueue(tx, 10_000));
      return page(waiting.slice((number - 1) * limit, number * limit), { page: number, limit, total: waiting.length });
    },

    pickUp: async (request) => {
      const conversation = await pickUp(actorOf(request), request.params.id);
      return ok({ conversationId: conversation.id, handoffId: request.params.id });
    },
  });
}
