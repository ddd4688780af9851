/** What the soak looks at while it runs: memory of every process, and what waits in tables and queues. */
import { setTimeout as pause } from 'node:timers/promises';
import { residentMb } from './process-memory.ts';
import type { Product } from './product.ts';
import type { Profile } from './profile.ts';

export type Sample = { memory: number[]; waiting: number };

/** Messages nobody has begun and replies not yet sent. */
async function waitingIn(profile: Profile): Promise<number> {
  if (profile.name !== 'cluster') return 0;
  const { rows } = await profile.client.query<{ waiting: number }>(
    `select (select count(*)::int from inbound_events where processed_at is null and dead_at is null)
       + (select count(*)::int from deliveries where state in ('pending', 'sending')) as waiting`,
  );
  return rows[0]?.waiting ?? 0;
}

/** Samples every two seconds until told to stop. */
export function startSampling(profile: Profile, product: Product): { stop(): Promise<Sample> } {
  const waiting: number[] = [];
  const state = { running: true };
  const done = (async () => {
    while (state.running) {
      waiting.push(await waitingIn(profile));
      await pause(2_000);
    }
  })();
  return {
    async stop() {
      state.running = false;
      await done;
      return {
        memory: product.processes.map((process) => residentMb(process.pid)),
        waiting: waiting.reduce((sum, each) => sum + each, 0) / Math.max(1, waiting.length),
      };
    },
  };
}
