import type { Conversation, Message } from '@parley/contract';
import { AppError } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { findConversation } from '../conversations/queries.ts';
import { findMessage } from '../messages/queries.ts';
import { TEST_EVENT } from './events.ts';

/** What a delivery is about, as its row keeps it. */
export type About = {
  factId: string;
  type: string;
  subjectId: string;
  detail: Record<string, unknown>;
};

/** Receivers of Standard Webhooks may refuse what is larger than 20 kB. */
const BYTES_AT_MOST = 20_000;

type Data = Record<string, unknown> & { message?: Message; conversation?: Conversation };

/** When a fact came true: its id, a UUID v7, begins with it. */
const momentOf = (id: string): Date => new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));

/**
 * The body as it is sent: `{type, timestamp, data}`, with `data` in the shapes of the REST API as things are now. Undefined
 * when there is nothing to tell any more, or what there is was never meant for outsiders.
 */
export async function composeBody(tx: Tx, about: About): Promise<string | undefined> {
  const data = await composeData(tx, about);
  return data && fit({ type: about.type, timestamp: momentOf(about.factId).toISOString(), data });
}

async function composeData(tx: Tx, about: About): Promise<Data | undefined> {
  if (about.type === TEST_EVENT) return { endpointId: about.subjectId };
  try {
    if (about.type.startsWith('message.')) {
      const message = await findMessage(tx, about.subjectId);
      // The facts of notes are not told of at all. This is for the day somebody records another.
      if (!message || message.private) return undefined;
      return { message, conversation: await findConversation(tx, message.conversationId) };
    }
    const { conversationId = about.subjectId, ...detail } = about.detail;
    const conversation = await findConversation(tx, String(conversationId));
    return about.type.startsWith('handoff.')
      ? { handoff: { id: about.subjectId, ...detail }, conversation }
      : { ...detail, conversation };
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Shortened until it fits: first what can be read over the API, then the end of the text. */
function fit(body: { type: string; timestamp: string; data: Data }): string {
  const whole = JSON.stringify(body);
  const { message } = body.data;
  if (!message || Buffer.byteLength(whole) <= BYTES_AT_MOST) return whole;
  const write = (text: string): string =>
    JSON.stringify({ ...body, data: { ...body.data, message: { ...message, citations: [], text }, truncated: true } });
  // The longest beginning that fits.
  let fits = 0;
  let over = message.text.length + 1;
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2);
    if (Buffer.byteLength(write(message.text.slice(0, middle).toWellFormed())) <= BYTES_AT_MOST) fits = middle;
    else over = middle;
  }
  return write(message.text.slice(0, fits).toWellFormed());
}
