import { sql } from 'drizzle-orm';
import type { MailDelivery, MailTemplate } from '@parley/contract';
import { isMailAddress } from '../../platform/mail/index.ts';
import { conflict, notFound } from '../../platform/errors.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { newId } from '../../platform/data/ids.ts';
import type { DefinedQueue } from '../../platform/jobs/jobs.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { knownLanguage } from './policy.ts';
import type { MailToSend } from './queue.ts';
import type { MailValues } from './render.ts';

// Real time (3): lifetimes and retries of mails.

type NewMail = {
  template: MailTemplate;
  /** in lower case */
  to: string;
  language: string | null | undefined;
  values: MailValues;
  /** until when it is worth sending */
  minutes: number;
};

export type Mail = {
  /** by a server, printed in the log, or not at all */
  delivery: MailDelivery;
  /**
   * Stores a mail beside the state that causes it, in the same transaction: of `asSystem`, or for an invitation of `inControl`. Its
   * id, which goes to `dispatch` after the commit; undefined where no mail leaves.
   */
  write(tx: Tx, mail: NewMail): Promise<string | undefined>;
  /** Has mails sent that were committed. What is lost of it is found by the sweep. */
  dispatch(ids: (string | undefined)[]): void;
};

/** An installation, or a test, without any. */
export const noMail: Mail = { delivery: 'none', write: async () => undefined, dispatch: () => undefined };

export function createMail(parts: {
  delivery: MailDelivery;
  keyring: Keyring;
  queue: Pick<DefinedQueue<MailToSend>, 'add'>;
  log: Logger;
}): Mail {
  const { delivery, keyring, queue, log } = parts;
  if (delivery === 'none') return noMail;
  return {
    delivery,
    async write(tx, { template, to, language, values, minutes }) {
      // Nothing else is given to the mail server, whatever once came into the tables.
      if (!isMailAddress(to)) return undefined;
      const id = newId();
      await tx.execute(sql`
        insert into mails (id, template, language, recipient, content, expires_at)
        values (${id}::uuid, ${template}, ${knownLanguage(language)}, ${to.toLowerCase()},
          ${keyring.encrypt(JSON.stringify(values), id)}, now() + make_interval(mins => ${minutes}::int))`);
      return id;
    },
    dispatch(ids) {
      for (const mailId of ids)
        if (mailId !== undefined)
          queue
            .add({ mailId }, { key: mailId })
            .catch((error: unknown) => log.warn({ err: error, mailId }, 'a mail waits for the next look'));
    },
  };
}

/** Gives a failed mail its tries back. @throws not-found; conflict for one that waits, has left, or leads nowhere any more */
export async function retryMail(tx: Tx, id: string): Promise<void> {
  const { rows } = await tx.execute<{ revived: boolean }>(sql`
    with revived as (
      update mails set state = 'waiting', tries = 0, error = null, detail = null, finished_at = null, next_attempt_at = now()
      where id = ${id}::uuid and state = 'failed' and content is not null and expires_at > now() returning id)
    select exists (select from revived) as revived from mails where id = ${id}::uuid`);
  const [found] = rows;
  if (!found) throw notFound('The mail');
  if (!found.revived) throw conflict('This mail waits, has left, or is over: it cannot be tried again.');
}
