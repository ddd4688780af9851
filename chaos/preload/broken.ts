/**
 * Deliberately broken builds, for the suite to find: CHAOS_BROKEN names one. They exist here only, as other texts of three
 * places, and stop the start when a place has moved.
 */
import { patchSources } from './patch.ts';
import type { Patch } from './patch.ts';

export const builds: Record<string, Patch[]> = {
  /** Guarded writes do not check the token: a former holder of a thread may write. */
  lease: [
    {
      file: '/features/messages/append-statement.ts',
      from: ' and lease_token = ${guard.lease.token}::bigint for share',
      to: ' for share',
    },
    {
      file: '/turn/lease.ts',
      from: '${heldBy(lease.threadId, lease.token)}',
      to: 'id = ${lease.threadId}::uuid',
      times: 3,
    },
    { file: '/turn/finish.ts', from: '${heldBy(lease.threadId, lease.token)}', to: 'id = ${lease.threadId}::uuid' },
    { file: '/turn/events.ts', from: ' and t.lease_token = ${round.lease.token}', to: '' },
  ],
  /** Facts are not written with the state. */
  outbox: [{ file: '/features/messages/append-statement.ts', from: 'facts.length > 0 ?', to: 'facts.length < 0 ?' }],
  /** One wake in five is lost, the holder gives a thread back without looking, and the sweeper does not look either. */
  wake: [
    { file: '/turn/receive.ts', from: 'wake.wake(THREAD,', to: 'if (Math.random() > 0.2) wake.wake(THREAD,' },
    { file: '/turn/lease.ts', from: 'sql`(wakes = ${wakes} and not exists', to: 'sql`(true or not exists' },
    { file: '/turn/finish.ts', from: 'sql`(wakes = ${round.wakes} and not exists', to: 'sql`(true or not exists' },
    { file: '/turn/sweeps.ts', from: 'where e.processed_at is null', to: 'where false and e.processed_at is null' },
  ],
};

const name = process.env.CHAOS_BROKEN;
if (name) {
  const patches = builds[name];
  if (!patches) throw new Error(`CHAOS_BROKEN takes one of ${Object.keys(builds).join(', ')}`);
  patchSources(patches);
}
