import type { Metrics } from '../telemetry/metrics.ts';
import type { Http } from './types.ts';

/** One log line and one observation per answer, under the pattern of the route and never its ids. */
export const observe = (http: Http, metrics: Metrics): void => {
  http.addHook('onResponse', async (request, reply) => {
    const labels = {
      method: request.method,
      route: request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown'),
      status_code: String(reply.statusCode),
    };
    metrics.httpRequests.inc(labels);
    metrics.httpRequestDuration.observe(labels, reply.elapsedTime / 1_000);
    const quiet = labels.route.startsWith('/health') || labels.route === '/metrics';
    request.log[quiet ? 'trace' : 'debug'](
      { method: labels.method, route: labels.route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'answered',
    );
  });
};
