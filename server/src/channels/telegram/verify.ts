/** Telegram signs nothing: it repeats the secret given to setWebhook in a header. */
import { timingSafeEqual } from 'node:crypto';
import type { Verification, WebhookRequest } from '../contract.ts';
import type { TelegramCredentials } from './credentials.ts';

const HEADER = 'x-telegram-bot-api-secret-token';

/** Without a configured secret nothing is let in: an unguarded webhook would take anybody's words for a customer's. */
export function verify(request: WebhookRequest, credentials: TelegramCredentials): Verification {
  if (!credentials.secretToken) return { ok: false, status: 401, reason: 'no secret token is configured' };
  const given = Buffer.from(request.headers[HEADER] ?? '');
  const expected = Buffer.from(credentials.secretToken);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return { ok: false, status: 401, reason: 'the secret token does not match' };
  }
  return { ok: true };
}
