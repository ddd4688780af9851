import { sql } from 'drizzle-orm';
import type { Store } from '../../platform/data/tenant.ts';
import type { Sweep } from '../../platform/sweeps/sweeps.ts';
import type { Mail } from './commands.ts';
import { findForgottenMails } from './queries.ts';

// Real time (2): retention and lost jobs of mails.

/** What nobody has sent for so long after its time is found again: its job may be lost. */
const FORGOTTEN_AFTER_S = 15;
const KEPT_DAYS = 30;
const HOUR_MS = 3_600_000;

export const mailSweeps = ({ store, mail }: { store: Store; mail: Mail }): Sweep[] => [
  {
    name: 'forgotten mails',
    everyMs: 10_000,
    run: async () => mail.dispatch(await store.asSystem((tx) => findForgottenMails(tx, FORGOTTEN_AFTER_S))),
  },
  {
    name: 'old mails',
    everyMs: HOUR_MS,
    // What a mail said is of no use once its link is over; that it was sent is kept longer.
    run: () =>
      store.asSystem(async (tx) => {
        await tx.execute(
          sql`update mails set content = null where content is not null and expires_at < now() and state <> 'waiting'`,
        );
        await tx.execute(sql`
          delete from mails where id = any(array(
            select id from mails where created_at < now() - make_interval(days => ${KEPT_DAYS}) limit 5000))`);
      }),
  },
];
