import { sql } from 'drizzle-orm';
import type { MailDelivery, MailItem, MailTemplate } from '@parley/contract';
import type { MailServer } from '../../platform/mail/index.ts';
import { DecryptError } from '../../platform/security/crypto.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { newId } from '../../platform/data/ids.ts';
import type { DefinedQueue } from '../../platform/jobs/jobs.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { openMail } from './content.ts';
import { afterFailure } from './outcome.ts';
import { announce } from './print.ts';
import type { MailToSend } from './queue.ts';
import { renderMail } from './render.ts';
import type { RenderedMail } from './render.ts';

// Real time (10): leases and retries of mails.

/** Longer than a try takes: whoever sends has it alone meanwhile. */
const LEASE_SECONDS = 60;
/** The clocks of the database and of the queue may differ by so much. */
const EARLY_SECONDS = 1;

type Claimed = {
  id: string;
  template: MailTemplate;
  language: string;
  recipient: string;
  content: string;
  tries: number;
  created_at: Date | string;
  is_over: boolean;
};

/**
 * Sends single mails. What becomes of one stands in its row; a job that runs twice finds it taken, or done. A mail that the server
 * took and that could not be noted as sent is remembered here and not handed over again; only a process that dies in that moment
 * forgets it, and then the second has the same Message-ID as the first.
 */
export function createSender(parts: {
  store: Store;
  log: Logger;
  keyring: Keyring;
  delivery: MailDelivery;
  server: MailServer | undefined;
  print(text: string): void;
  publicUrl: string;
  queue: Pick<DefinedQueue<MailToSend>, 'add'>;
  /** of tests */
  firstWaitMs: number | undefined;
}) {
  const { store, log, keyring, delivery, server, print, publicUrl, queue, firstWaitMs = 5_000 } = parts;
  const taken = new Set<string>();

  async function claim(id: string, lease: string): Promise<Claimed | undefined> {
    const { rows } = await store.asSystem((tx) =>
      tx.execute<Claimed>(sql`
        update mails set tries = tries + 1, lease_token = ${lease}::uuid,
          lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
        where id = ${id}::uuid and state = 'waiting' and content is not null
          and next_attempt_at <= now() + make_interval(secs => ${EARLY_SECONDS}) and (lease_until is null or lease_until < now())
        returning id, template, language, recipient, content, tries, created_at, expires_at < now() as is_over`),
    );
    return rows[0];
  }

  /** Nothing when somebody else has it meanwhile. */
  const note = (id: string, lease: string, end: { state: MailItem['state']; error: MailItem['error'] }) =>
    store.asSystem((tx) =>
      tx.execute(sql`
        update mails set state = ${end.state}, error = ${end.error}::text, detail = null, lease_until = null,
          content = case when ${end.state} = 'sent' then null else content end,
          finished_at = now()
        where id = ${id}::uuid and lease_token = ${lease}::uuid and state = 'waiting'`),
    );

  async function putOff(
    claimed: Claimed,
    lease: string,
    { error, detail, waitSeconds, counts }: ReturnType<typeof afterFailure>,
  ): Promise<void> {
    const wait = waitSeconds ?? 0;
    const { rows } = await store.asSystem((tx) =>
      tx.execute<{ state: string }>(sql`
        update mails set error = coalesce(${error}::text, error), detail = case when ${counts} then ${detail}::text else detail end,
          tries = tries - ${counts ? 0 : 1}::int, lease_until = null,
          state = case when ${waitSeconds === null} or now() + make_interval(secs => ${wait}) >= expires_at
                       then 'failed' else 'waiting' end,
          next_attempt_at = now() + make_interval(secs => ${wait}),
          finished_at = case when ${waitSeconds === null} or now() + make_interval(secs => ${wait}) >= expires_at
                             then now() end
        where id = ${claimed.id}::uuid and lease_token = ${lease}::uuid and state = 'waiting' returning state`),
    );
    const about = {
      mailId: claimed.id,
      template: claimed.template,
      tries: claimed.tries,
      reason: error ?? 'left alone',
    };
    if (rows[0]?.state === 'failed') log.error(about, 'a mail was given up');
    else {
      log.warn(about, 'a mail was not sent, and is tried again');
      const delayMs = Math.ceil(wait * 1_000);
      await queue.add({ mailId: claimed.id }, { jobId: `${claimed.id}-${claimed.tries}-${Date.now()}`, delayMs });
    }
  }

  function render(claimed: Claimed): RenderedMail {
    const { template, language, recipient: to, id, content } = claimed;
    return renderMail({ template, language, to, values: openMail(keyring, { id, content }) }, publicUrl);
  }

  async function handOver(claimed: Claimed, mail: RenderedMail): Promise<void> {
    const { id, recipient: to, language } = claimed;
    if (!server) return print(announce(to, mail));
    const date = new Date(claimed.created_at);
    await server.send({ id, date, to, language, subject: mail.subject, text: mail.text, html: mail.html });
  }

  return async function send({ mailId }: MailToSend): Promise<void> {
    if (delivery === 'none') return;
    const lease = newId();
    const claimed = await claim(mailId, lease);
    if (!claimed) return;
    if (claimed.is_over) return void (await note(mailId, lease, { state: 'failed', error: 'expired' }));
    if (!taken.has(mailId)) {
      try {
        await handOver(claimed, render(claimed));
      } catch (error) {
        if (error instanceof DecryptError) {
          log.error({ err: error, mailId }, 'a mail cannot be read');
          return void (await note(mailId, lease, { state: 'failed', error: 'unreadable' }));
        }
        return putOff(claimed, lease, afterFailure(error, claimed.tries, firstWaitMs / 1_000));
      }
      taken.add(mailId);
    }
    await note(mailId, lease, { state: server ? 'sent' : 'printed', error: null });
    taken.delete(mailId);
  };
}
