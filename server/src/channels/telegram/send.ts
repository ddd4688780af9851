/** Sends one part and says what became of it. Trying again later is the delivery's work, not ours. */
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import type { ChannelHttp, Part, SendContext, SendResult, Target } from '../contract.ts';
import { callTelegram, type Fields, type TelegramAnswer } from './api.ts';
import type { TelegramCredentials } from './credentials.ts';
import { messageIdOf } from './parse.ts';
import { TEXT_LIMIT, toPlain } from './render.ts';

const RETRY_MS = 2_000;
const sentMessage = z.object({ message_id: z.number().int() });

export async function send(
  part: Part,
  { threadKey }: SendContext,
  credentials: TelegramCredentials,
  http: ChannelHttp,
): Promise<SendResult> {
  const target = { threadKey };
  try {
    const bytes = part.attachment ? await http.readFile(part.attachment) : undefined;
    return await attempt(part, bytes, target, credentials, http, { mayMove: true });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    const afterMs = error.retryAfter === undefined ? RETRY_MS : error.retryAfter * 1000;
    return { outcome: 'retry', afterMs, reason: 'Telegram cannot be reached' };
  }
}

async function attempt(
  part: Part,
  bytes: Buffer | undefined,
  target: Target,
  credentials: TelegramCredentials,
  http: ChannelHttp,
  options: { mayMove: boolean },
): Promise<SendResult> {
  const answer = await callTelegram(part.method, requestFor(part, bytes, target), credentials, http);
  if (answer.ok) return sent(answer.result, target);
  const simpler = simplerPart(part, answer);
  if (simpler) return attempt(simpler, bytes, target, credentials, http, options);
  if (answer.migrateTo !== undefined && options.mayMove) {
    const moved = { threadKey: answer.migrateTo };
    const result = await attempt(part, bytes, moved, credentials, http, { mayMove: false });
    return result.outcome === 'sent' ? { ...result, movedTo: answer.migrateTo } : result;
  }
  return resultOf(answer);
}

/** `chat` or `chat:topic`, as `parse` made it. */
export function chatOf(target: Target): Fields {
  const [chat = '', topic] = target.threadKey.split(':');
  const id = /^-?\d+$/.test(chat) ? Number(chat) : chat;
  return topic === undefined ? { chat_id: id } : { chat_id: id, message_thread_id: Number(topic) };
}

function requestFor(part: Part, bytes: Buffer | undefined, target: Target): Fields | FormData {
  const fields = { ...chatOf(target), ...part.body };
  if (!part.attachment || !bytes) return fields;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const { name, mime } = part.attachment;
  const field = part.method === 'sendPhoto' ? 'photo' : 'document';
  form.set(field, new Blob([new Uint8Array(bytes)], { type: mime }), name);
  return form;
}

/** The same part with less asked of Telegram, when that is what it refused; undefined when nothing is left to drop. */
function simplerPart(part: Part, refusal: Extract<TelegramAnswer, { ok: false }>): Part | undefined {
  if (refusal.status !== 400) return undefined;
  if (/can't parse entities/i.test(refusal.description) && typeof part.body['parse_mode'] === 'string') {
    const { parse_mode: _dropped, ...body } = part.body;
    return { ...part, body: { ...body, text: toPlain(String(body['text'])).slice(0, TEXT_LIMIT) } };
  }
  // Too wide, too many pixels, or not the picture its type says: a file it still is.
  if (part.method === 'sendPhoto' && /PHOTO_|IMAGE_PROCESS_FAILED/.test(refusal.description)) {
    return { ...part, method: 'sendDocument' };
  }
  return undefined;
}

function sent(result: unknown, target: Target): SendResult {
  const message = sentMessage.safeParse(result);
  const [chat = ''] = target.threadKey.split(':');
  // Telegram said yes: sending again would say it twice, even if we cannot read how it names the message.
  return { outcome: 'sent', platformId: message.success ? messageIdOf(chat, message.data.message_id) : '' };
}

function resultOf(answer: Extract<TelegramAnswer, { ok: false }>): SendResult {
  const { status, description, retryAfterSeconds } = answer;
  const reason = `Telegram: ${description}`;
  if (status === 429 || status >= 500 || status === 408) {
    return { outcome: 'retry', afterMs: retryAfterSeconds === undefined ? RETRY_MS : retryAfterSeconds * 1000, reason };
  }
  // 403 is the customer's doing: blocked, left, or deleted the account.
  if (status === 403) return { outcome: 'failed', reason, code: '403', unreachable: true };
  if (status === 401 || status === 404) {
    return { outcome: 'failed', reason: 'Telegram does not accept the bot token', code: '401', disconnected: true };
  }
  return { outcome: 'failed', reason, code: String(status), retryable: false };
}
