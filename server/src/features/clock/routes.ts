import { clockApi } from '@parley/contract';
import type { FastifyRequest } from 'fastify';
import type { TestClock } from '../../platform/clock/test-clock.ts';
import { routeNotFound } from '../../platform/errors.ts';
import { ok } from '../../platform/http/index.ts';
import type { Http, SignedIn } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';

type Parts = {
  clock: Pick<TestClock, 'set' | 'now'>;
  /** null for nobody */
  authenticate(request: FastifyRequest): Promise<SignedIn | null>;
};

export function clockRoutes(http: Http, { clock, authenticate }: Parts): void {
  addRoutes(
    http,
    clockApi,
    {
      async set(request, reply) {
        // Whoever is no owner finds nothing here, as where it is not opened at all.
        const caller = await authenticate(reply.request);
        if (caller?.role !== 'owner') throw routeNotFound();
        await clock.set(new Date(request.body.now));
        return ok({ now: clock.now().toISOString() });
      },
    },
    {
      set: {
        description:
          'Only with `PARLEY_TEST_CLOCK=1`, and for owners; a missing route otherwise. Business time runs on from `now`, in every process; what became due is done within 2 s. Logins and tokens keep real time.',
      },
    },
  );
}
