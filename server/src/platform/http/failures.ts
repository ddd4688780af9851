import type { FastifyReply, FastifyRequest } from 'fastify';
import { routeNotFound, toProblem } from '../errors.ts';
import type { Http } from './types.ts';

const DISCARD_WITHIN_MS = 5_000;

/**
 * A sender still sending when its connection is closed loses the answer. So the rest of an oversized body is read
 * and thrown away first, for a while.
 */
const discardBody = async (request: FastifyRequest): Promise<void> => {
  const { raw } = request;
  if (raw.complete || raw.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, DISCARD_WITHIN_MS);
  for (const event of ['end', 'close', 'error']) raw.once(event, () => resolve());
  raw.unpipe();
  raw.resume();
  await promise;
  clearTimeout(timer);
};

/** Answers anything thrown with the envelope. */
export const answerFailure = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  const problem = toProblem(error);
  if (problem.reportable) request.log.error({ err: error, req: request }, 'request failed');
  else if (problem.status >= 500) request.log.debug({ err: error, req: request }, 'request failed');
  // The rate limit has set it already, to the second.
  if (problem.retryAfter && !reply.hasHeader('retry-after')) reply.header('retry-after', problem.retryAfter);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  const send = () =>
    void reply
      .code(problem.status)
      .header('content-type', 'application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send(problem.body);
  if (problem.status === 413) void discardBody(request).then(send);
  else send();
};

export const translateFailures = (http: Http): void => {
  http.setErrorHandler(answerFailure);
  // An empty part of a path would be taken for a parameter that is empty.
  http.addHook('onRequest', async ({ url }) => {
    const [path = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?', 1);
    if (path.includes('//')) throw routeNotFound();
  });
  http.decorate('pages', { send: null });
  // A server has one handler for this, so the part that serves pages sets `pages.send`.
  http.setNotFoundHandler((request, reply) => {
    if (!http.pages.send?.(request, reply)) answerFailure(routeNotFound(), request, reply);
  });
};
