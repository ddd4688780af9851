import { mailApi } from '@parley/contract';
import type { MailItem } from '@parley/contract';
import { conflict, notFound } from '../../platform/errors.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import { MAIL_TARGET } from '../../platform/mail/index.ts';
import type { MailServer } from '../../platform/mail/index.ts';
import type { Outbound } from '../../platform/outbound/breaker.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import { retryMail } from './commands.ts';
import type { Mail } from './commands.ts';
import { readMessage } from './content.ts';
import { languageOf } from './policy.ts';
import { presentMail } from './present.ts';
import { findMail, listMails } from './queries.ts';
import type { MailRow } from './table.ts';

const description = 'For owners of the first workspace of the installation alone: mail is of all workspaces.';
const HOUR = 60;

export function mailRoutes(
  http: Http,
  parts: {
    store: Store;
    log: Logger;
    keyring: Keyring;
    outbound: Outbound;
    mail: Mail;
    mailServer: MailServer | undefined;
    publicUrl: string;
  },
): void {
  const { store, log, keyring, outbound, mail, mailServer, publicUrl } = parts;
  /** With a server the links are for whoever they were sent to, also those of before. */
  const present = (row: MailRow): MailItem =>
    presentMail(row, mail.delivery === 'printed' ? readMessage(keyring, row, publicUrl) : null);

  addRoutes(
    http,
    mailApi,
    {
      list: async (request) => {
        const { rows, total } = await store.asSystem((tx) => listMails(tx, request.query));
        return page(rows.map(present), { ...request.query, total });
      },

      server: async () =>
        ok({
          delivery: mail.delivery,
          host: mailServer?.host ?? null,
          from: mailServer?.from ?? null,
          retryAfter: outbound.report()[MAIL_TARGET]?.retryAfterSeconds ?? null,
        }),

      sendTest: async (request) => {
        const { userId, email, name } = actorOf(request);
        if (mail.delivery === 'none') throw conflict('This installation sends no mail: MAIL_URL is not set.');
        const language = languageOf(request.headers['accept-language']);
        const id = await store.asSystem((tx) =>
          mail.write(tx, { template: 'test', to: email, language, values: { name }, minutes: HOUR }),
        );
        mail.dispatch([id]);
        log.info({ userId, mailId: id }, 'a test mail was asked for');
        return done();
      },

      retry: async (request) => {
        const { id } = request.params;
        const row = await store.asSystem(async (tx) => {
          await retryMail(tx, id);
          return findMail(tx, id);
        });
        if (!row) throw notFound('The mail');
        mail.dispatch([id]);
        log.info({ userId: actorOf(request).userId, mailId: id }, 'a mail is tried again');
        return ok(present(row));
      },
    },
    {
      list: {
        description: `${description} What a mail says is shown only where no server sends it; else its links are for whoever got it.`,
      },
      server: { description },
      sendTest: { description },
      retry: { description },
    },
  );
}
