import { Handoff, HandoffPickedUp, IdParams, PageQuery, paged, success } from '@parley/contract';
import { actorOf, ok, page } from '../../platform/http/index.ts';
import type { Actor, Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import { listQueue } from './queries.ts';

const tags = ['Handoffs'];

/** The desk tells everybody concerned; @throws conflict, naming the colleague who was faster */
type PickUp = (actor: Actor, handoffId: string) => Promise<{ id: string }>;

export function handoffRoutes(http: Http, { store, pickUp }: { store: Store; pickUp: PickUp }): void {
  http.get(
    '/handoffs',
    {
      config: { permission: 'handoffs:read' },
      schema: { tags, summary: 'The queue, next first', querystring: PageQuery, response: { 200: paged(Handoff) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { page: number, limit } = request.query;
      const waiting = await store.inWorkspace(workspaceId, (tx) => listQueue(tx, 10_000));
      return page(waiting.slice((number - 1) * limit, number * limit), { page: number, limit, total: waiting.length });
    },
  );

  http.post(
    '/handoffs/:id/pick-up',
    {
      config: { permission: 'handoffs:write' },
      schema: {
        tags,
        summary: 'Pick up a waiting conversation; 409 when somebody was faster',
        params: IdParams,
        response: { 200: success(HandoffPickedUp) },
      },
    },
    async (request) => {
      const conversation = await pickUp(actorOf(request), request.params.id);
      return ok({ conversationId: conversation.id, handoffId: request.params.id });
    },
  );
}
