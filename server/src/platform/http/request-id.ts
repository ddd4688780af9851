import type { IncomingMessage } from 'node:http';
import { newId } from '../ids.ts';
import { runWithContext } from '../log.ts';
import type { Http } from './types.ts';

const ACCEPTABLE = /^[\w-]{8,64}$/;

/** The caller's id when it is harmless, else a new one. */
export const requestIdOf = (request: IncomingMessage): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && ACCEPTABLE.test(given) ? given : newId();
};

/** Every answer names its id, and everything logged on the way carries it. */
export const bindRequestId = (http: Http): void => {
  http.decorateRequest('logContext', null);
  http.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id);
    request.logContext = { requestId: request.id };
    runWithContext(request.logContext, next);
  });
};
