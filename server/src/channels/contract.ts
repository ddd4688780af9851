/**
 * What a channel is to Parley: a small required part (verify, parse, render, send) and optional capabilities.
 * A channel knows a platform's wire format and nothing else: no database, no feature, no engine.
 * The path of a message calls it; `conformance.test.ts` holds every adapter to the same promises.
 */
import type { ZodType } from 'zod';
import type { Attachment, Author, ChannelName, MessageContentType } from '@parley/contract';

/** One HTTP request as the platform sent it. `rawBody` holds the exact bytes: signatures are checked on them. */
export type WebhookRequest = {
  method: 'GET' | 'POST';
  headers: Record<string, string | undefined>;
  query: Record<string, string | undefined>;
  rawBody: Buffer;
};

export type Verification =
  | { ok: true }
  /** `status` is what the platform is told; nothing is stored. */
  | { ok: false; status: 400 | 401 | 403; reason: string };

/** Who wrote, in the platform's words. `externalId` is stable per inbox. */
export type Sender = {
  externalId: string;
  name?: string;
  username?: string;
  language?: string;
  email?: string;
  phone?: string;
  metadata?: Record<string, string>;
};

/** A file that still lies at the platform; fetched by `fetchMedia` after the event is committed. */
export type MediaReference = {
  kind: Exclude<MessageContentType, 'text' | 'location' | 'interactive'>;
  /** the platform's id of the file */
  reference: string;
  name?: string;
  mime?: string;
  /** bytes, when the platform says */
  size?: number;
};

type InboundBase = {
  /**
   * Never of two events of an inbox: the database's dedupe key, known for 14 days (turn/trim.ts). For Telegram
   * `update:<update_id>`.
   */
  platformId: string;
  /** The platform's conversation (chat) id: events with the same key are handled strictly in order. */
  threadKey: string;
  /** When the platform says it happened; order comes from our own sequence, never from this clock. */
  at: string;
  sender: Sender;
};

/** The common message, inbound: what every adapter parses to. */
export type Inbound =
  | (InboundBase & {
      kind: 'message';
      /** the platform's id of the message itself (edits, replies and receipts name it) */
      messageId: string;
      type: MessageContentType;
      text: string;
      media: MediaReference[];
      /** files already stored by us (the widget uploads first) */
      attachmentIds?: string[];
      location?: { latitude: number; longitude: number; name?: string };
      replyToMessageId?: string;
      /** messages sent together (an album: one file each) share it; absent otherwise */
      groupKey?: string;
      /** the sender's own idempotency key (widget) */
      clientId?: string;
      /** e.g. `request_agent` from a button */
      action?: 'request_agent' | 'start' | 'end';
    })
  | (InboundBase & { kind: 'edit'; messageId: string; text: string })
  | (InboundBase & { kind: 'delete'; messageId: string })
  | (InboundBase & {
      kind: 'status';
      messageId: string;
      status: 'sent' | 'delivered' | 'read' | 'failed';
      detail?: string;
    })
  /** the customer blocked or unblocked us */
  | (InboundBase & { kind: 'reachability'; reachable: boolean });

/** What is to be said, in Parley's words: Markdown text and stored attachments. */
export type Outbound = {
  messageId: string;
  author: Author;
  text: string;
  citations: { number: number; title: string; url: string | null }[];
  attachments: Attachment[];
};

/** One platform call worth of a message. `render` is pure: the same message gives the same parts. */
export type Part = { ordinal: number; method: string; body: Record<string, unknown>; attachment?: Attachment };

/** Where to say it. */
export type Target = { threadKey: string };

/** The only door to the network a channel has; `channels/http.ts` makes it. */
export type ChannelHttp = {
  /** from config (`CHANNEL_<NAME>_API_URL`); `path` is appended to it */
  baseUrl: string;
  /**
   * One attempt: few platforms have idempotency keys, so trying again is the delivery's decision.
   * Resolves with whatever the platform answered, failures too. Rejects when there is no answer (network, timeout,
   * open breaker: AppError `unavailable` with retryAfter) or it is too large (AppError `payload_too_large`).
   */
  fetch(
    path: string,
    init: {
      method: 'GET' | 'POST';
      headers?: Record<string, string>;
      body?: string | Buffer | FormData;
      timeoutMs?: number;
    },
  ): Promise<{ status: number; headers: Record<string, string>; body: Buffer }>;
  /** Reads a stored attachment. */
  readFile(attachment: Attachment): Promise<Buffer>;
};

export type SendResult =
  | {
      outcome: 'sent';
      /** as `messageId` of Inbound: edits, replies and receipts will name it */
      platformId: string;
      /** the platform moved the conversation: the thread's key from now on */
      movedTo?: string;
    }
  /** try again after this long (429 with retry_after, 5xx, network): order inside the conversation is kept */
  | { outcome: 'retry'; afterMs: number; reason: string }
  /** will never work as it is: 403 blocked, 400 chat not found */
  | { outcome: 'failed'; reason: string; unreachable?: boolean };

export type Connection = { displayName: string; externalId: string; detail?: string };

export type Channel<Credentials = unknown> = {
  name: ChannelName;
  /** The platform's own words (contract.md). Parsed on save and after decryption. */
  credentials: ZodType<Credentials>;
  /** Fields of the credentials we invent when they are left out: whoever saves them fills in `newToken()`. */
  generated?: readonly string[];
  /**
   * The realtime layer shows a message the moment it is stored (our own widget): there is nothing to deliver.
   */
  live?: true;
  limits: { textLength: number; unit: 'utf16' | 'bytes' };
  verify(request: WebhookRequest, credentials: Credentials): Verification;
  /** 0..n events; throws `badRequest` on a body that is not the platform's. Unknown kinds of event parse to none. */
  parse(request: WebhookRequest, credentials: Credentials): Inbound[];
  render(message: Outbound): Part[];
  send(part: Part, target: Target, credentials: Credentials, http: ChannelHttp): Promise<SendResult>;
  typing?(target: Target, credentials: Credentials, http: ChannelHttp): Promise<void>;
  fetchMedia?(
    media: MediaReference,
    credentials: Credentials,
    http: ChannelHttp,
  ): Promise<{ bytes: Buffer; mime?: string; name?: string }>;
  /** Checks the credentials live and registers the webhook; throws `badRequest` saying what is wrong in words. */
  connect?(credentials: Credentials, options: { webhookUrl: string }, http: ChannelHttp): Promise<Connection>;
  disconnect?(credentials: Credentials, http: ChannelHttp): Promise<void>;
};
