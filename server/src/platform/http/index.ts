import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_CREDENTIALS_BYTES } from '@parley/contract';
import fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Config } from '../config/config.ts';
import { newId } from '../data/ids.ts';
import { localLimits } from '../limits/limiter.ts';
import type { MakeLimiter } from '../limits/limiter.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { noTracing } from '../telemetry/tracing.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Pressure } from '../limits/pressure.ts';
import { guardAccess } from './access.ts';
import { acceptJson } from './bodies.ts';
import { bodyLimits, limitBodies } from './body-limits.ts';
import { answerCreated } from './created.ts';
import { addDrain } from './drain.ts';
import { answerFailure, translateFailures } from './failures.ts';
import { healthRoutes } from './health.ts';
import type { Health } from './health.ts';
import { defaultLimits, limitAddresses, limitCallers } from './limits.ts';
import type { Limits } from './limits.ts';
import { observe } from './observe.ts';
import { describeApi } from './openapi.ts';
import type { Proxies } from './proxies.ts';
import { bindRequestId, requestIdOf } from './request-id.ts';
import { secureHeaders } from './security.ts';
import type { Http, SignedIn } from './types.ts';
import { acceptUploads } from './upload.ts';
import { shedLoad } from './shed.ts';
import { refuseUnknownQueries, serializerCompiler, validatorCompiler } from './validate.ts';

export { actorOf, signedInOf } from './access.ts';
export { keepRawBodies } from './bodies.ts';
export { serveDashboard, useBuiltFiles } from './dashboard.ts';
export { countedCursor, cursor, done, ok, page } from './envelope.ts';
export { isOperator } from './health.ts';
export type { Dependency, Health } from './health.ts';
export type { Limits } from './limits.ts';
export type { Actor, DrainOptions, Http, RoutePermission, SignedIn } from './types.ts';
export { withUpload } from './upload.ts';
export type { Upload } from './upload.ts';
export { fieldProblems } from './validate.ts';

export type HttpOptions = {
  config: Pick<Config, 'publicUrl'> & Partial<Pick<Config, 'dataDir' | 'maxDocumentBytes'>>;
  log: Logger;
  metrics: Metrics;
  /** Who sends this request; null for nobody. Asked once per request, and not for public routes. */
  authenticate: (request: FastifyRequest) => Promise<SignedIn | null>;
  /** Where requests are recorded as spans (default: nowhere). */
  tracing?: Tracing | undefined;
  health?: Partial<Health>;
  /** A process without doors serves its probes and metrics (default: everything). */
  serves?: 'everything' | 'health';
  limits?: Partial<Limits>;
  /** Refuses requests while there is too much to do (default: none are). */
  pressure?: Pressure;
  /** Where requests are counted (default: in this process). */
  makeLimiter?: MakeLimiter;
  /** Whose X-Forwarded-For is believed. Nobody's by default, since anybody can send it. */
  proxies?: Proxies;
};

/** What is not even HTTP never reaches a route; it gets the envelope all the same. */
const refuseNonsense = (error: Error & { code?: string }, socket: Socket): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [line, code] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'payload_too_large']
      : ['400 Bad Request', 'bad_request'];
  const body = JSON.stringify({ success: false, error: { code, message: 'The request could not be read.' } });
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/json; charset=utf-8\r\nx-request-id: ${newId()}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
};

/**
 * The HTTP server with everything that is the same for all routes: ids, errors, access, limits, headers, uploads,
 * the API's description, health. Routes are added after it; it listens when `http.listen` is called.
 */
export const createHttp = async (options: HttpOptions): Promise<Http> => {
  const { config, log, metrics, authenticate, health, proxies, serves, makeLimiter = localLimits } = options;
  const loggerInstance: FastifyBaseLogger = log;
  const http: Http = fastify({
    loggerInstance,
    // observe.ts writes the one line per answer.
    logController: new LogController({ disableRequestLogging: true }),
    // For what no route is there for; each route has its own (body-limits.ts).
    bodyLimit: MAX_CREDENTIALS_BYTES,
    requestIdHeader: false,
    genReqId: requestIdOf,
    trustProxy: proxies ? (address) => proxies.trusts(address) : false,
    // For a document on a slow line.
    requestTimeout: 300_000,
    // A request that arrives on an open connection while closing is still answered; then the connection ends.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseNonsense,
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      answerFailure(error, request, reply);
    },
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
  }).withTypeProvider<ZodTypeProvider>();

  http.setValidatorCompiler(validatorCompiler);
  http.setSerializerCompiler(serializerCompiler);
  bindRequestId(http, options.tracing ?? noTracing);
  translateFailures(http);
  acceptJson(http);
  limitBodies(http, bodyLimits(config.maxDocumentBytes));
  refuseUnknownQueries(http);
  observe(http, metrics);
  addDrain(http);
  await secureHeaders(http, config.publicUrl);
  const limits = { ...defaultLimits, ...options.limits };
  if (options.pressure) shedLoad(http, options.pressure);
  limitAddresses(http, limits, makeLimiter);
  await acceptUploads(http, join(config.dataDir ?? tmpdir(), 'uploads'));
  if (serves !== 'health') await describeApi(http, config.publicUrl);
  guardAccess(http, authenticate);
  limitCallers(http, limits, makeLimiter);
  answerCreated(http);
  healthRoutes(
    http,
    {
      dependencies: health?.dependencies ?? {},
      targets: health?.targets ?? (() => ({})),
      replicas: health?.replicas,
      pressure: options.pressure?.report,
    },
    metrics,
    authenticate,
  );
  return http;
};
