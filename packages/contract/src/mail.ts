import { z } from 'zod';
import { Done, Id, IdParams, PageQuery, Timestamp, paged, success } from './common.ts';
import { api, get, post } from './declare.ts';

/** Mail of Parley itself, for the person who runs the installation. */

/** How mail leaves: by the server of MAIL_URL, printed in the log of the process, or not at all. */
export const MailDelivery = z.enum(['sent', 'printed', 'none']);
export type MailDelivery = z.infer<typeof MailDelivery>;

export const MailTemplate = z.enum([
  'address_changed',
  'invitation',
  'new_device',
  'password_changed',
  'password_reset',
  'prove_address',
  'sign_in_link',
  'test',
]);
export type MailTemplate = z.infer<typeof MailTemplate>;

export const MailItem = z.object({
  id: Id,
  template: MailTemplate,
  to: z.string(),
  language: z.string(),
  state: z.enum(['waiting', 'sent', 'printed', 'failed']),
  tries: z.int().min(0),
  /** why the last try failed */
  error: z
    .enum([
      'address_refused',
      'mail_refused',
      'later',
      'login',
      'encryption',
      'connection',
      'timeout',
      'expired',
      'unreadable',
    ])
    .nullable(),
  /** the reply of the mail server to it */
  detail: z.string().nullable(),
  createdAt: Timestamp,
  /** null once nothing more is tried */
  nextAttemptAt: Timestamp.nullable(),
  finishedAt: Timestamp.nullable(),
  /** what it leads to is over then */
  expiresAt: Timestamp,
  /** What it says. Only where mail is printed: with a server its links are for whoever they were sent to. */
  message: z.object({ subject: z.string(), text: z.string(), link: z.string().nullable() }).nullable(),
});
export type MailItem = z.infer<typeof MailItem>;

export const MailServerState = z.object({
  delivery: MailDelivery,
  /** `host:port`; null without MAIL_URL */
  host: z.string().nullable(),
  from: z.string().nullable(),
  /** seconds until the server is asked again, while it is left alone after failures */
  retryAfter: z.number().nullable(),
});
export type MailServerState = z.infer<typeof MailServerState>;

export const mailApi = api('Mail', {
  list: get('/mail', 'mail:read', {
    summary: 'The mails of the installation of the last 30 days, the newest first',
    query: PageQuery,
    response: paged(MailItem),
  }),
  server: get('/mail/server', 'mail:read', {
    summary: 'How the mail of the installation leaves',
    response: success(MailServerState),
  }),
  sendTest: post('/mail/test', 'mail:write', {
    summary: 'Send a test mail to my own address',
    response: success(Done),
  }),
  retry: post('/mail/:id/retry', 'mail:write', {
    summary: 'Try a mail again that failed',
    params: IdParams,
    response: success(MailItem),
  }),
});
