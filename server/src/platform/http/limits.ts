import rateLimit from '@fastify/rate-limit';
import type { Http } from './types.ts';

export type Limits = {
  /** Requests a minute per address, over all of /api (default 3 000; an office shares one address). */
  perMinute: number;
  /** Requests a minute per address and route for what takes a password or a secret (default 60). */
  credentialsPerMinute: number;
};

export const defaultLimits: Limits = { perMinute: 3_000, credentialsPerMinute: 60 };

/**
 * One limit per address. Webhooks come from few addresses of the platforms and are bounded by their inbox, and
 * pages, scripts and probes are cheap: none of them counts.
 */
export const limitRequests = async (http: Http, limits: Limits): Promise<void> => {
  http.addHook('onRoute', (route) => {
    if (route.config?.limit !== 'credentials') return;
    route.config = { ...route.config, rateLimit: { max: limits.credentialsPerMinute, timeWindow: 60_000 } };
  });
  await http.register(rateLimit, {
    global: true,
    max: limits.perMinute,
    timeWindow: 60_000,
    cache: 20_000,
    // The route's own address: that of the request can be spelled in many ways (`/%61pi/…`).
    allowList: (request) => !request.routeOptions.url?.startsWith('/api/'),
  });
};
