import type { IncomingMessage } from 'node:http';
import { newId } from '../data/ids.ts';
import { runWithContext } from '../telemetry/log.ts';
import { readTraceParent } from '../telemetry/tracing.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Http } from './types.ts';

const ACCEPTABLE = /^[\w-]{8,64}$/;

/** The caller's id when it is harmless, else a new one. */
export const requestIdOf = (request: IncomingMessage): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && ACCEPTABLE.test(given) ? given : newId();
};

const isQuiet = (route: string | undefined): boolean =>
  route === undefined || route === '/metrics' || route.startsWith('/health');

/**
 * Every answer names its id, and everything logged on the way carries it. A request that names a trace goes on with it.
 */
export const bindRequestId = (http: Http, tracing: Tracing): void => {
  http.decorateRequest('logContext', null);
  http.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id);
    const parent = readTraceParent(request.headers.traceparent);
    const context = { requestId: request.id, ...(parent ? { parent } : {}) };
    const { url: route } = request.routeOptions;
    request.logContext = isQuiet(route)
      ? context
      : tracing.begin(context, `${request.method} ${route}`, {
          kind: 'server',
          attributes: { 'http.request.method': request.method, 'http.route': route ?? '' },
        });
    runWithContext(request.logContext, next);
  });
  http.addHook('onResponse', async (request, reply) => {
    const span = request.logContext?.span;
    span?.set({ 'http.response.status_code': reply.statusCode });
    span?.end(reply.statusCode >= 500 ? new Error(`status ${reply.statusCode}`) : undefined);
  });
};
