import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../server/src/test/process.ts';
import { now, startChild } from './child.ts';
import { residentMb } from './process-memory.ts';
import { startProduct } from './product.ts';
import type { Profile } from './profile.ts';
import { some } from './report.ts';
import type { Report } from './report.ts';
import type { Visitors } from './visitors-process.ts';

const SOCKETS = some(10_000);
const CROWDS = 2;
const BACK_WITHIN_S = 30;

/**
 * 10 000 visitors with an open conversation each on one process: what a socket takes of its memory. Then the process is
 * killed and started again on its port, and all of them come back; the clock runs from the kill.
 */
export async function idleAndStorm(profile: Profile, report: Report): Promise<void> {
  const product = await startProduct(profile, ['api'], { PORT: String(await freePort()) });
  const crowds = await Promise.all(Array.from({ length: CROWDS }, () => startChild<Visitors>('visitors-process.ts')));
  const together = async () => {
    const states = await Promise.all(crowds.map((crowd) => crowd.ask('state', {})));
    const sum = (pick: (state: (typeof states)[number]) => number): number =>
      states.reduce((total, state) => total + pick(state), 0);
    return {
      present: sum((state) => state.present),
      tries: sum((state) => state.tries),
      later: sum((state) => state.later),
      errors: sum((state) => state.errors),
      error: states.find((state) => state.error)?.error,
      lastReturn: Math.max(...states.map((state) => state.lastReturn)),
    };
  };
  try {
    const [first] = product.processes;
    if (!first) throw new Error('no process');
    const inbox = await product.webInbox();
    await pause(3_000);
    const before = residentMb(first.pid);
    await Promise.all(
      crowds.map((crowd, index) =>
        crowd.ask('settle', {
          url: product.url,
          inbox: inbox.token,
          count: SOCKETS / CROWDS,
          firstAddress: index * 125,
        }),
      ),
    );
    await pause(some(20_000));
    const after = residentMb(first.pid);
    report.figure(`${SOCKETS} idle sockets on one process: its memory`, after, 'MB', {
      note: `${before.toFixed(0)} MB before`,
    });
    report.figure('  memory per socket', ((after - before) * 1024) / SOCKETS, 'KB');

    const killedAt = now();
    await first.end('SIGKILL');
    await product.start('api', first.env);
    const readyAt = now();
    for (let waited = 0; waited < 120; waited++) {
      await pause(500);
      const { present, lastReturn } = await together();
      if (present === SOCKETS && now() - lastReturn > 2_000) break;
    }
    const { present, tries, later, lastReturn, errors, error } = await together();
    report.figure('  killed and started again: sockets that came back', present, '', { bar: { atLeast: SOCKETS } });
    report.figure('  until the last of them had what it missed', (lastReturn - killedAt) / 1_000, 's', {
      bar: { atMost: BACK_WITHIN_S },
      note: `ready after ${((readyAt - killedAt) / 1_000).toFixed(1)} s; ${tries} tries, ${later} of them told to come again in a moment`,
    });
    report.figure('  errors told to a customer', errors, '', { bar: { atMost: 0 }, ...(error ? { note: error } : {}) });
  } finally {
    for (const crowd of crowds) await crowd.ask('leave', {});
    for (const crowd of crowds) await crowd.stop();
    await product.close();
  }
}
