/** Sends one part and says what became of it. Trying again later is the delivery's work, not ours. */
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import type { ChannelHttp, Part, SendContext, SendResult } from '../contract.ts';
import { callGraph, isAboutAccount, type GraphRefusal } from './api.ts';
import type { WhatsappCredentials } from './credentials.ts';
import { isPhone } from './identity.ts';
import { upload } from './media.ts';
import { PERMANENT } from './parse.ts';

const RETRY_MS = 2_000;
const accepted = z.object({ messages: z.array(z.object({ id: z.string() })).min(1) });

export async function send(
  part: Part,
  context: SendContext,
  credentials: WhatsappCredentials,
  http: ChannelHttp,
): Promise<SendResult> {
  try {
    const file = await fileOf(part, credentials, http);
    if (file?.refusal) return resultOf(file.refusal);
    const { contact, replyTo } = await context.conversation();
    const json = {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      ...addressOf([...contact.externalIds, context.threadKey]),
      ...part.body,
      ...file?.body,
      ...(replyTo && part.ordinal === 0 ? { context: { message_id: replyTo } } : {}),
      // Comes back in every status of the message.
      biz_opaque_callback_data: context.attemptKey,
    };
    const path = `/${credentials.phoneNumberId}/${part.method}`;
    const answer = await callGraph(path, { method: 'POST', json }, credentials, http);
    if (!answer.ok) return resultOf(answer);
    const parsed = accepted.safeParse(answer.result);
    // WhatsApp said yes: sending again would say it twice, even if we cannot read how it names the message.
    return { outcome: 'sent', platformId: parsed.data?.messages[0]?.id ?? '' };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    const afterMs = error.retryAfter === undefined ? RETRY_MS : error.retryAfter * 1000;
    return { outcome: 'retry', afterMs, reason: 'WhatsApp cannot be reached' };
  }
}

/** A number before a user id: every kind of message goes to it. A user id has a field of its own and is lost in `to`. */
export function addressOf(ids: string[]): { to: string } | { recipient: string } {
  const phone = ids.find(isPhone);
  return phone === undefined ? { recipient: ids[0] ?? '' } : { to: phone };
}

async function fileOf(
  { attachment, body }: Part,
  credentials: WhatsappCredentials,
  http: ChannelHttp,
): Promise<{ body?: Record<string, unknown>; refusal?: GraphRefusal } | undefined> {
  if (!attachment) return undefined;
  const stored = await upload(attachment, await http.readFile(attachment), credentials, http);
  if (!stored.ok) return { refusal: stored };
  const type = String(body['type']);
  return { body: { [type]: { id: stored.id, ...(type === 'document' ? { filename: attachment.name } : {}) } } };
}

/** Codes to come again for, with how long to wait when Meta does not say (milliseconds). */
const LATER = new Map([
  [1, 5_000],
  [2, 5_000],
  [4, 60_000],
  [80007, 60_000],
  [130429, 5_000],
  [131000, 5_000],
  [131016, 10_000],
  [131048, 300_000],
  // one message in six seconds to the same person
  [131056, 6_000],
  [131057, 60_000],
  [133004, 10_000],
  [133016, 60_000],
]);
const WINDOW_CLOSED = 131047;
const UNREACHABLE = new Set([131021, 131026, 131030, 131050]);

export function resultOf(answer: GraphRefusal): SendResult {
  const { status, code, words, retryAfterSeconds } = answer;
  const reason = `WhatsApp: ${words}`;
  const usual =
    LATER.get(code) ?? (status === 429 || status === 408 || status >= 500 || answer.isTransient ? RETRY_MS : undefined);
  if (usual !== undefined) {
    return { outcome: 'retry', afterMs: retryAfterSeconds === undefined ? usual : retryAfterSeconds * 1000, reason };
  }
  if (isAboutAccount(answer)) return { outcome: 'failed', reason, code: String(code), disconnected: true };
  if (code === WINDOW_CLOSED) return { outcome: 'failed', reason, code: 'window_closed', retryable: true };
  return {
    outcome: 'failed',
    reason,
    code: String(code || status),
    retryable: !PERMANENT.has(code),
    ...(UNREACHABLE.has(code) ? { unreachable: true } : {}),
  };
}
