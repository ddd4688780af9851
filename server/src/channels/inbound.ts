/** The common inbound event: what every adapter parses to. Every field has a reader (scripts/readers.mjs). */
import type { MessageContentType } from '@parley/contract';
import type { MediaKind } from './contract.ts';

/** Who wrote, in the platform's words. */
export type Sender = {
  /** stable per inbox */
  externalId: string;
  /** further ids of the same person in this inbox (WhatsApp: the user id beside the number): each becomes an identity */
  otherIds?: string[];
  /** other ways the platform writes `externalId`, by which an older identity is found; never stored */
  spellings?: string[];
  name?: string;
  username?: string;
  language?: string;
  email?: string;
  phone?: string;
  metadata?: Record<string, string>;
};

/** A file that still lies at the platform; fetched by `fetchMedia` after the event is committed. */
export type MediaReference = {
  kind: MediaKind;
  /** the platform's id of the file */
  reference: string;
  name?: string;
  mime?: string;
  /** bytes, when the platform says */
  size?: number;
};

export type InboundBase = {
  /**
   * Never of two events of an inbox: the database's dedupe key, known for 14 days (turn/retention.ts). For Telegram
   * `update:<update_id>`. Of a receipt of one message it is `receiptId(messageId, status)`.
   */
  platformId: string;
  /**
   * The platform's conversation (chat) id: events with the same key are handled strictly in order. Where a person is known
   * by another id already, the thread of that one is taken (turn/threads.ts).
   */
  threadKey: string;
  /** When the platform says it happened (ISO 8601); order comes from our own sequence, never from this clock. */
  at: string;
  sender: Sender;
};

/** Content that is a message, whoever wrote it. */
type Content = {
  /** the platform's id of the message itself (edits, replies and receipts name it) */
  messageId: string;
  type: MessageContentType;
  text: string;
  media: MediaReference[];
  location?: { latitude: number; longitude: number; name?: string };
  replyToMessageId?: string;
  /** what it answers in the platform's words: the part that was chosen, or the whole where we may not have the message */
  quote?: { text: string; author: 'contact' | 'bot' | null; isPart: boolean };
  /** messages of one sender with the same value are one (an album); they come one by one */
  groupId?: string;
  /** the platform does not say when it was written: `at` is of something else */
  timeless?: true;
  /** what the platform tells besides: an order, shared contacts, the advertisement it came from */
  details?: Record<string, unknown>;
  /** something came that the platform does not hand over; the text is empty then and nobody answers it */
  unsupported?: { kind: string; code: string; reason: string };
};

export type Inbound =
  | (InboundBase &
      Content & {
        kind: 'message';
        /** files already stored by us (the widget uploads first) */
        attachmentIds?: string[];
        /** the sender's own idempotency key (widget) */
        clientId?: string;
        /** e.g. `request_agent` from a button */
        action?: 'request_agent' | 'ask_differently' | 'start' | 'end';
      })
  /** written by somebody of ours in the platform's own app; `sender` is the customer it is for */
  | (InboundBase & Content & { kind: 'echo' })
  | (InboundBase & { kind: 'edit'; messageId: string; text: string })
  | (InboundBase & { kind: 'delete'; messageId: string })
  /** `emoji` null: taken back. One of a person per message. */
  | (InboundBase & { kind: 'reaction'; messageId: string; emoji: string | null })
  /** of one message */
  | (InboundBase & {
      kind: 'status';
      messageId: string;
      status: 'sent' | 'delivered' | 'read' | 'failed';
      /** with `failed`: why, in the platform's words and code */
      failure?: { code: string; message: string; retryable: boolean };
    })
  /** of everything we said up to a moment (ISO 8601) */
  | (InboundBase & { kind: 'watermark'; upTo: string; status: 'delivered' | 'read' })
  /** the customer blocked or unblocked us */
  | (InboundBase & { kind: 'reachability'; reachable: boolean })
  /** the conversation goes by another key from now on (a group that became a supergroup) */
  | (InboundBase & { kind: 'moved'; toThreadKey: string })
  /** the person goes by another id from now on, `sender.externalId`; contact and conversation stay */
  | (InboundBase & { kind: 'identity'; previousId: string });

/** The `platformId` of a receipt, by which one that came before the send call returned is found again. */
export const receiptId = (messageId: string, status: string): string => `receipt:${status}:${messageId}`;
