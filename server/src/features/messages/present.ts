import type {
  Attachment,
  Author,
  Citation,
  Message,
  MessageContentType,
  MessageFailure,
  MessageStatus,
} from '@parley/contract';
import type { MessagePayload } from '../../db/schema/index.ts';

/** A row of `messages` as SQL returns it (times as text inside JSON, as Date outside). */
export type MessageRow = {
  id: string;
  conversation_id: string;
  seq: number | string;
  author_type: Author['type'];
  author_id: string | null;
  author_name: string | null;
  type: MessageContentType;
  text: string;
  payload: MessagePayload;
  attachments: Attachment[];
  citations: Citation[];
  private: boolean;
  status: MessageStatus;
  error: string | null;
  turn_id: string | null;
  ordinal: number | null;
  client_id: string | null;
  platform_id: string | null;
  created_at: string | Date;
  edited_at: string | Date | null;
  deleted_at: string | Date | null;
};

/** ISO 8601 in UTC, whatever form the moment came in. */
export const iso = (moment: string | Date): string => new Date(moment).toISOString();
export const isoOrNull = (moment: string | Date | null): string | null => (moment === null ? null : iso(moment));

/** A deleted message keeps its place and loses its words. */
export function presentMessage(row: MessageRow): Message {
  const gone = row.deleted_at !== null;
  return {
    id: row.id,
    conversationId: row.conversation_id,
    seq: Number(row.seq),
    author: { type: row.author_type, id: row.author_id, name: row.author_name },
    type: row.type,
    text: gone ? '' : row.text,
    location: gone ? null : (row.payload.location ?? null),
    attachments: gone ? [] : row.attachments,
    missingFiles: gone ? [] : (row.payload.missing ?? []),
    citations: row.citations,
    choices: gone ? [] : (row.payload.choices ?? []),
    private: row.private,
    status: row.status,
    error: row.error,
    failure: row.status === 'failed' ? failureOf(row) : null,
    retries: row.payload.retries ?? 0,
    replyToId: row.payload.replyToId ?? null,
    quote: gone ? null : (row.payload.quote ?? null),
    reactions: row.payload.reactions ?? [],
    externalId: row.platform_id,
    details: gone ? null : (row.payload.details ?? null),
    unsupported: row.payload.unsupported ?? null,
    turnId: row.turn_id,
    ordinal: row.ordinal,
    clientId: row.client_id,
    event: row.payload.event ?? null,
    createdAt: iso(row.created_at),
    sentAt: row.payload.sentAt ?? null,
    editedAt: isoOrNull(row.edited_at),
    earlier: gone ? [] : (row.payload.earlier ?? []),
    deletedAt: isoOrNull(row.deleted_at),
    edited: row.edited_at !== null,
    deleted: gone,
  };
}

/** Older failures have no code: why they failed stands in the words alone. */
const failureOf = ({ error, payload }: MessageRow): MessageFailure => ({
  code: payload.failure?.code ?? 'failed',
  message: error ?? '',
  retryable: payload.failure?.retryable ?? true,
});

/** As the customer may see it: nobody's id, no error of ours. Private notes never come here: the caller filters them. */
export const presentToVisitor = (message: Message): Message => ({
  ...message,
  author: { ...message.author, id: null },
  error: null,
  failure: null,
  externalId: null,
  earlier: [],
  missingFiles: [],
});
