/**
 * One call of the Bot API. The token stands in the path, so nothing of an address ever reaches an error: what is
 * thrown or returned from here is worded here, with the token taken out of whatever Telegram said.
 */
import { z } from 'zod';
import { AppError, unavailable } from '../../platform/errors.ts';
import type { ChannelHttp } from '../contract.ts';
import type { TelegramCredentials } from './credentials.ts';

const envelope = z.object({
  ok: z.boolean(),
  result: z.unknown().optional(),
  description: z.string().optional(),
  parameters: z
    .object({ retry_after: z.number().optional(), migrate_to_chat_id: z.number().int().safe().optional() })
    .optional(),
});

export type TelegramAnswer =
  | { ok: true; result: unknown }
  | { ok: false; status: number; description: string; retryAfterSeconds?: number; migrateTo?: string };

export type Fields = Record<string, unknown>;

/** Throws AppError `unavailable` when there is no answer, or none of Telegram's. */
export async function callTelegram(
  method: string,
  fields: Fields | FormData,
  credentials: TelegramCredentials,
  http: ChannelHttp,
): Promise<TelegramAnswer> {
  const init =
    fields instanceof FormData
      ? { method: 'POST' as const, body: fields, timeoutMs: 60_000 }
      : { method: 'POST' as const, body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } };
  const answer = await reach(`/bot${credentials.botToken}/${method}`, init, http);
  const parsed = envelope.safeParse(readJson(answer.body));
  const headerSeconds = Number(answer.headers['retry-after']);
  if (!parsed.success) {
    // Not Telegram's words: a proxy's page, or an outage. Its status still says whether to come again.
    return {
      ok: false,
      status: answer.status < 400 ? 502 : answer.status,
      description: `an answer that is not the Bot API's (status ${answer.status})`,
      ...(headerSeconds > 0 ? { retryAfterSeconds: headerSeconds } : {}),
    };
  }
  const { ok, result, description, parameters } = parsed.data;
  if (ok && answer.status < 300) return { ok: true, result };
  const seconds = parameters?.retry_after ?? headerSeconds;
  return {
    ok: false,
    status: answer.status < 400 ? 502 : answer.status,
    description: withoutToken(description ?? `status ${answer.status}`, credentials),
    ...(seconds > 0 ? { retryAfterSeconds: seconds } : {}),
    ...(parameters?.migrate_to_chat_id === undefined ? {} : { migrateTo: String(parameters.migrate_to_chat_id) }),
  };
}

/** A file's bytes; the path is Telegram's word and may not lead anywhere but below `/file/`. */
export async function downloadFile(
  filePath: string,
  credentials: TelegramCredentials,
  http: ChannelHttp,
): Promise<{ status: number; bytes: Buffer }> {
  const segments = filePath.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return { status: 404, bytes: Buffer.alloc(0) };
  }
  const path = segments.map(encodeURIComponent).join('/');
  const answer = await reach(`/file/bot${credentials.botToken}/${path}`, { method: 'GET', timeoutMs: 60_000 }, http);
  return { status: answer.status, bytes: answer.body };
}

async function reach(path: string, init: Parameters<ChannelHttp['fetch']>[1], http: ChannelHttp) {
  try {
    return await http.fetch(path, init);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The cause is left out on purpose: some network errors quote the address, and with it the token.
    throw unavailable('Telegram cannot be reached at present.');
  }
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function withoutToken(text: string, credentials: TelegramCredentials): string {
  const secret = credentials.botToken.split(':')[1] ?? credentials.botToken;
  return text.replaceAll(secret, '…').replaceAll(credentials.secretToken, '…').slice(0, 300);
}
