import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Channel, WebhookRequest } from '../channels/contract.ts';
import { findChannel } from '../channels/registry.ts';
import type { FindInbox } from '../features/inboxes/lookup.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { keepRawBodies } from '../platform/http/index.ts';
import type { Http } from '../platform/http/index.ts';
import type { Receive } from './receive.ts';

const Params = z.object({ channel: z.string().max(30), token: z.string().max(100) });

const single = (values: NodeJS.Dict<string | string[]>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));

const toWebhookRequest = (request: FastifyRequest): WebhookRequest => ({
  method: request.method === 'GET' ? 'GET' : 'POST',
  headers: single(request.headers),
  query: single(request.query as NodeJS.Dict<string | string[]>),
  rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
});

/**
 * The door of the platforms. Verify on the raw bytes, parse, commit, then 200: a platform that gets a 200 never has to
 * send the event again, and one that does not will.
 */
export function webhookRoutes(http: Http, parts: { findInbox: FindInbox; receive: Receive }): void {
  void http.register(async (scope: Http) => {
    keepRawBodies(scope);
    scope.route({
      method: ['GET', 'POST'],
      url: '/webhooks/:channel/:token',
      config: { body: 'webhook' },
      schema: { hide: true, params: Params },
      // A platform is no browser: nothing here is shown or framed.
      helmet: false,
      handler: async (request, reply) => {
        const params = Params.parse(request.params);
        const channel: Channel | undefined = findChannel(params.channel);
        const inbox = channel && (await parts.findInbox(params.token, request.ip));
        if (!channel || !inbox || inbox.channel !== channel.name) throw notFound('The inbox');
        const webhook = toWebhookRequest(request);
        const verified = channel.verify(webhook, inbox.credentials);
        if (!verified.ok) {
          const code = verified.status === 400 ? 'bad_request' : verified.status === 401 ? 'unauthorized' : 'forbidden';
          throw new AppError(code, verified.status, 'This request could not be verified.');
        }
        // Answered but not kept: a platform would repeat it for days, and a person disabled the inbox.
        if (inbox.status === 'disabled') return reply.status(200).send({ success: true, data: { stored: 0 } });
        const events = channel.parse(webhook, inbox.credentials);
        const { stored } = await parts.receive(inbox, events);
        return reply.status(200).send({ success: true, data: { stored } });
      },
    });
  });
}
