import type { FastifyReply, FastifyRequest } from 'fastify';
import { tooMany } from '../errors.ts';
import type { Bucket, MakeLimiter, Verdict } from '../limits/limiter.ts';
import { bucketOf } from './proxies.ts';
import type { Http } from './types.ts';

/** Requests a minute. */
export type Limits = {
  /** per address, over all of /api (default 3 000; an office shares one address) */
  perMinute: number;
  /** per address and route for what takes a password or a secret (default 60) */
  credentialsPerMinute: number;
  /** per person who is signed in, wherever they are (default 1 200: the dashboard needs a fraction of it) */
  personPerMinute: number;
  /** per workspace over all of its API keys: on the plan `free` (default 100), on every other (default 1 000) */
  keysPerMinute: { free: number; paid: number };
};

export const defaultLimits: Limits = {
  perMinute: 3_000,
  credentialsPerMinute: 60,
  personPerMinute: 1_200,
  keysPerMinute: { free: 100, paid: 1_000 },
};

const aMinute = (requests: number): Bucket => ({ capacity: requests, refillPerSecond: requests / 60 });

/** Says in the answer how much is left (draft-ietf-httpapi-ratelimit-headers), and ends the request when nothing is. */
const heed = (reply: FastifyReply, limit: number, verdict: Verdict): void => {
  void reply.header('ratelimit-limit', limit);
  void reply.header('ratelimit-remaining', verdict.remaining);
  void reply.header('ratelimit-reset', verdict.resetSeconds);
  if (!verdict.allow) throw tooMany(verdict.retryAfterSeconds);
};

/**
 * One limit per address. Webhooks come from few addresses of the platforms, and pages, scripts and probes are cheap: none
 * of them counts. Tokens nobody has do (features/inboxes/token-throttle.ts).
 */
export const limitAddresses = (http: Http, limits: Limits, make: MakeLimiter): void => {
  const all = make('http', aMinute(limits.perMinute));
  const credentials = make('http-credentials', aMinute(limits.credentialsPerMinute));
  http.addHook('onRequest', async (request, reply) => {
    // The route's own address: that of the request can be spelled in many ways (`/%61pi/…`).
    const { url, config } = request.routeOptions;
    if (!url?.startsWith('/api/')) return;
    const address = bucketOf(request.ip);
    if (config.limit === 'credentials')
      heed(reply, limits.credentialsPerMinute, await credentials.take(`${address} ${url}`));
    else heed(reply, limits.perMinute, await all.take(address));
  });
};

/**
 * Then, when it is known who it is, one per person, or for programs one per workspace: a program that runs wild stops
 * neither the people of its workspace nor the programs of another. To be added after the check of access.
 */
export const limitCallers = (http: Http, limits: Limits, make: MakeLimiter): void => {
  const people = make('http-person', aMinute(limits.personPerMinute));
  const plans = {
    free: make('http-keys-free', aMinute(limits.keysPerMinute.free)),
    paid: make('http-keys-paid', aMinute(limits.keysPerMinute.paid)),
  };
  http.addHook('preParsing', async (request: FastifyRequest, reply) => {
    const { signedIn } = request;
    if (!signedIn) return;
    if (!signedIn.apiKey) {
      heed(reply, limits.personPerMinute, await people.take(signedIn.userId));
      return;
    }
    const plan = signedIn.apiKey.plan === 'free' ? 'free' : 'paid';
    heed(reply, limits.keysPerMinute[plan], await plans[plan].take(signedIn.workspaceId ?? signedIn.userId));
  });
};
