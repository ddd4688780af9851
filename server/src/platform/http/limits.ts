import { tooMany } from '../errors.ts';
import type { MakeLimiter } from '../limiter.ts';
import type { Http } from './types.ts';

export type Limits = {
  /** Requests a minute per address, over all of /api (default 3 000; an office shares one address). */
  perMinute: number;
  /** Requests a minute per address and route for what takes a password or a secret (default 60). */
  credentialsPerMinute: number;
};

export const defaultLimits: Limits = { perMinute: 3_000, credentialsPerMinute: 60 };

const aMinute = (requests: number) => ({ capacity: requests, refillPerSecond: requests / 60 });

/**
 * One limit per address. Webhooks come from few addresses of the platforms and are bounded by their inbox, and
 * pages, scripts and probes are cheap: none of them counts.
 */
export const limitRequests = (http: Http, limits: Limits, make: MakeLimiter): void => {
  const all = make('http', aMinute(limits.perMinute));
  const credentials = make('http-credentials', aMinute(limits.credentialsPerMinute));
  http.addHook('onRequest', async (request) => {
    // The route's own address: that of the request can be spelled in many ways (`/%61pi/…`).
    const { url, config } = request.routeOptions;
    if (!url?.startsWith('/api/')) return;
    const { allow, retryAfterSeconds } =
      config.limit === 'credentials' ? await credentials.take(`${request.ip} ${url}`) : await all.take(request.ip);
    if (!allow) throw tooMany(retryAfterSeconds);
  });
};
