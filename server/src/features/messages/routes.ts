import { IdParams, Message, success } from '@parley/contract';
import { actorOf, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Desk } from '../conversations/desk.ts';

export function messageRoutes(http: Http, { desk }: { desk: Pick<Desk, 'retry'> }): void {
  http.post(
    '/messages/:id/retry',
    {
      config: { permission: 'conversations:write' },
      schema: {
        tags: ['Conversations'],
        summary: 'Send a failed message again',
        description: '409 unless it failed, and `window_closed` while the platform takes only templates.',
        params: IdParams,
        response: { 200: success(Message) },
      },
    },
    async (request) => ok(await desk.retry(actorOf(request), request.params.id)),
  );
}
