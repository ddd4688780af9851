import { OutboundTimeoutError } from '../outbound/errors.ts';
import { AppError } from '../errors.ts';
import { redactString } from '../telemetry/redact.ts';
import { oneLine } from './text.ts';

/** Why a mail was not handed over: a short list, which the dashboard has words for. */
type MailFailure = 'address_refused' | 'mail_refused' | 'later' | 'login' | 'encryption' | 'connection' | 'timeout';

/** `detail` is the server's reply, fit to be shown to whoever runs the installation. */
export class MailError extends Error {
  readonly reason: MailFailure;
  /** another try would end the same */
  readonly permanent: boolean;
  readonly detail: string | null;
  /** What the breaker goes by: a server that is away or broken is ill, one that refuses a letter is not. */
  readonly statusCode: number;

  constructor(reason: MailFailure, { permanent = false, detail = null, cause }: Details = {}) {
    super(`the mail was not handed over: ${reason}`, { cause });
    this.name = 'MailError';
    this.reason = reason;
    this.permanent = permanent;
    this.detail = detail;
    this.statusCode = ['connection', 'timeout', 'encryption', 'login'].includes(reason) ? 503 : 400;
  }
}
type Details = { permanent?: boolean; detail?: string | null; cause?: unknown };

const read = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/** A server may quote the letter in its reply: addresses of links are taken out. */
const safeReply = (reply: unknown): string | null =>
  typeof reply === 'string' && reply !== ''
    ? redactString(oneLine(reply).replace(/https?:\/\/\S+/gi, '…')).slice(0, 200)
    : null;

/** Reads what the library throws. An open breaker passes as it is. */
export function failureOf(error: unknown): MailError | AppError {
  if (error instanceof AppError || error instanceof MailError) return error;
  if (error instanceof OutboundTimeoutError) return new MailError('timeout', { cause: error });
  const code = read(error, 'code');
  const command = read(error, 'command');
  const detail = safeReply(read(error, 'response'));
  const status = Number(read(error, 'responseCode') ?? 0);
  const permanent = status >= 500 && status !== 503;
  if (code === 'EAUTH' || code === 'ENOAUTH') return new MailError('login', { detail, cause: error });
  if (code === 'ETLS') return new MailError('encryption', { detail, cause: error });
  // Of the sender: it is the installation that is set up wrongly, and may be put right while the mail waits.
  if (status > 0 && command === 'MAIL FROM') return new MailError('mail_refused', { detail, cause: error });
  if (status > 0 && permanent && command === 'RCPT TO')
    return new MailError('address_refused', { permanent, detail, cause: error });
  if (status > 0 && permanent && command === 'DATA')
    return new MailError('mail_refused', { permanent, detail, cause: error });
  if (status >= 400) return new MailError('later', { detail, cause: error });
  if (code === 'ETIMEDOUT') return new MailError('timeout', { detail, cause: error });
  if (code === 'EENVELOPE') return new MailError('address_refused', { permanent: true, detail, cause: error });
  const network = read(error, 'originalCode') ?? read(read(error, 'cause'), 'code') ?? code;
  const named = typeof network === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(network) ? network : null;
  return new MailError('connection', { detail: detail ?? named, cause: error });
}
