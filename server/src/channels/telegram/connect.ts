/** What is asked of Telegram beside sending: connecting, typing, files. Errors say in words what is wrong. */
import { z } from 'zod';
import { badRequest, tooLarge, tooMany, unavailable, type AppError } from '../../platform/errors.ts';
import type { ChannelHttp, Connection, MediaReference, SendContext } from '../contract.ts';
import { callTelegram, downloadFile, type TelegramAnswer } from './api.ts';
import type { TelegramCredentials } from './credentials.ts';
import { chatOf } from './send.ts';

const MAX_FILE = 20 * 1024 * 1024;
const ALLOWED_UPDATES = ['message', 'edited_message', 'my_chat_member', 'callback_query', 'message_reaction'];

const bot = z.object({ id: z.number().int(), is_bot: z.literal(true), first_name: z.string(), username: z.string() });
const file = z.object({ file_path: z.string().min(1), file_size: z.number().optional() });

type Refusal = Extract<TelegramAnswer, { ok: false }>;

/** Registers the webhook with our secret. Throws badRequest (token, address), tooMany, or unavailable. */
export async function connect(
  credentials: TelegramCredentials,
  options: { webhookUrl: string },
  http: ChannelHttp,
): Promise<Connection> {
  const me = await callTelegram('getMe', {}, credentials, http);
  if (!me.ok) throw refused(me, 'Telegram refused the bot token');
  const parsed = bot.safeParse(me.result);
  if (!parsed.success) throw badRequest('Telegram says this token does not belong to a bot.');
  const webhook = await callTelegram(
    'setWebhook',
    { url: options.webhookUrl, secret_token: credentials.secretToken, allowed_updates: ALLOWED_UPDATES },
    credentials,
    http,
  );
  if (!webhook.ok) throw refused(webhook, 'Telegram refused the webhook address');
  const { id, first_name: displayName, username } = parsed.data;
  return { displayName, externalId: String(id), detail: `@${username}` };
}

/** Stops the updates. A token Telegram no longer knows has none to stop. */
export async function disconnect(credentials: TelegramCredentials, http: ChannelHttp): Promise<void> {
  const answer = await callTelegram('deleteWebhook', {}, credentials, http);
  if (!answer.ok && answer.status !== 401 && answer.status !== 404) throw refused(answer, 'Telegram kept the webhook');
}

/** Shows "typing…" for five seconds. A refusal changes nothing for the conversation and is not an error. */
export async function typing(target: SendContext, credentials: TelegramCredentials, http: ChannelHttp): Promise<void> {
  await callTelegram('sendChatAction', { ...chatOf(target), action: 'typing' }, credentials, http);
}

/** Throws tooLarge over 20 MB (the most Telegram hands to bots), badRequest when the file is gone, or unavailable. */
export async function fetchMedia(
  media: MediaReference,
  credentials: TelegramCredentials,
  http: ChannelHttp,
): Promise<{ bytes: Buffer; mime?: string; name?: string }> {
  const overLimit = () => tooLarge('Telegram hands over files of up to 20 MB; this one is larger.');
  if ((media.size ?? 0) > MAX_FILE) throw overLimit();
  const found = await callTelegram('getFile', { file_id: media.reference }, credentials, http);
  if (!found.ok && /file is too big/i.test(found.description)) throw overLimit();
  if (!found.ok) throw refused(found, 'Telegram did not hand over the file');
  const parsed = file.safeParse(found.result);
  if (!parsed.success) throw badRequest('Telegram did not hand over the file.');
  if ((parsed.data.file_size ?? 0) > MAX_FILE) throw overLimit();
  const { status, bytes } = await downloadFile(parsed.data.file_path, credentials, http);
  if (status === 429 || status >= 500) throw unavailable('Telegram cannot hand over the file at present.');
  if (status !== 200) throw badRequest('Telegram did not hand over the file.');
  if (bytes.length > MAX_FILE) throw overLimit();
  const name = media.name ?? parsed.data.file_path.split('/').at(-1);
  return { bytes, ...(media.mime === undefined ? {} : { mime: media.mime }), ...(name === undefined ? {} : { name }) };
}

function refused(answer: Refusal, what: string): AppError {
  if (answer.status === 429) return tooMany(answer.retryAfterSeconds ?? 1);
  if (answer.status >= 500) return unavailable('Telegram cannot be reached at present.', answer.retryAfterSeconds);
  if (answer.status === 401 || answer.status === 404) {
    const message = 'Telegram does not know this bot token. Copy it again from @BotFather.';
    return badRequest(message, [{ field: 'credentials.botToken', message: 'is not known to Telegram' }]);
  }
  const hint = /webhook|https|host/i.test(answer.description)
    ? ' Telegram delivers only to a public HTTPS address: check PUBLIC_URL.'
    : '';
  // The field tells callers that the token is good and the address alone is refused.
  const details = hint ? [{ field: 'webhookUrl', message: 'is not a public HTTPS address' }] : undefined;
  return badRequest(`${what}: ${answer.description}.${hint}`, details);
}
