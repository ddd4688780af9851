/**
 * What a channel is to Parley, version 2 (docs/decisions/0031): a small required part and optional capabilities. A channel
 * knows a platform's wire format and nothing else: no database, no feature, no engine. The path of a message calls it,
 * asks what it can, and never its name; `conformance.test.ts` holds every adapter to the same promises.
 */
import type { ZodObject, ZodType } from 'zod';
import type { Attachment, Author, ChannelName, ChannelTemplate, Choice, MessageContentType } from '@parley/contract';
import type { Variable } from '../platform/config/define.ts';
import type { Inbound, MediaReference } from './inbound.ts';

export type { Inbound, MediaReference, Sender } from './inbound.ts';

/** One HTTP request as the platform sent it. `rawBody` holds the exact bytes: signatures are checked on them. */
export type WebhookRequest = {
  method: 'GET' | 'POST';
  headers: Record<string, string | undefined>;
  query: Record<string, string | undefined>;
  rawBody: Buffer;
};

/** What the platform is answered, when it is not the usual 200. */
export type WebhookAnswer = { status: number; contentType: string; body: string };

export type Verification =
  | { ok: true }
  /** `status` is what the platform is told; nothing is stored. */
  | { ok: false; status: 400 | 401 | 403; reason: string };

/** `skipped`: one line for each item that could not be read, or not wholly, without what a customer wrote. The others are not held up. */
export type Parsed = { events: Inbound[]; skipped: string[] };

/** Events come as HTTP requests. */
export type WebhookIntake<Credentials> = {
  kind: 'webhook';
  /** Also of a GET, when the platform shakes hands with one. */
  verify(request: WebhookRequest, credentials: Credentials): Verification;
  /** Challenges and pings: what is answered to this verified request, which then holds no events. */
  respond?(request: WebhookRequest): WebhookAnswer | undefined;
  /** What a request is answered once its events are stored, where the platform takes more than a plain 200. */
  answer?(request: WebhookRequest): WebhookAnswer | undefined;
  /** Throws `badRequest` on a body that is not the platform's. Unknown kinds of event parse to none. */
  parse(request: WebhookRequest, credentials: Credentials): Parsed;
  /** One address for all inboxes of an app (`/webhooks/:channel`), proven by the app's own secrets. */
  shared?: {
    /** fields of the credentials `verify` needs there, each with the variable of `environment` that has it */
    variables: Partial<Record<keyof Credentials & string, string>>;
    /** `externalId`s (of `Connection`) of the inboxes this request is for */
    inboxOf(request: WebhookRequest): string[];
  };
};
/** A setting that is a text. */
export type TextVariable = Variable<ZodType<string>>;

/** Events are fetched: polls and held connections. One process of the fleet listens for an inbox at a time. */
export type ListenerIntake<Credentials> = {
  kind: 'listener';
  /**
   * Runs until `signal` aborts, then returns soon. `cursor` is what the last `receive` was given, undefined at first.
   * When it throws or returns early it is begun again, later and later.
   */
  listen(
    listening: {
      credentials: Credentials;
      cursor: unknown;
      http: ChannelHttp;
      /** Stores events and, after them, the cursor. Rejects when another process listens now: stop. */
      receive(parsed: Parsed, cursor: unknown): Promise<void>;
    },
    signal: AbortSignal,
  ): Promise<void>;
};

/**
 * What is to be said, in Parley's words: text and stored attachments, or a template of the platform's. A bot writes Markdown;
 * what a person typed is no Markdown and is said as it is.
 */
export type OutboundMessage = {
  messageId: string;
  author: Author;
  text: string;
  citations: { number: number; title: string; url: string | null }[];
  attachments: Attachment[];
  /** of a channel with `choices`: what the customer may tap */
  choices?: Choice[];
  template?: { name: string; language: string; variables: Record<string, string> };
};

/** One platform call worth of a message. `render` is pure: the same message gives the same parts. */
export type Part = { ordinal: number; method: string; body: Record<string, unknown>; attachment?: Attachment };

/** Where the conversation is. */
export type Target = { threadKey: string };

/** What is known of the conversation a part is said in. */
export type Conversation = {
  /** every id of the contact in this inbox, the newest first */
  contact: { externalIds: string[]; name: string; email: string | null; phone: string | null };
  /** the customer's last message: the platform's id of it, and the platform's time (ISO 8601) */
  lastInbound: { id: string; at: string } | null;
  /** the platform's id of the message this one answers */
  replyTo: string | null;
  /** platform ids of earlier messages of the conversation, oldest first, at most 20 */
  references: string[];
};

/** Where a part is said, and, for channels that ask, after what. */
export type SendContext = Target & {
  /** the same at every try of the part: where the platform has an idempotency key or a mark that comes back, this is it */
  attemptKey: string;
  /** read from the database at the first call */
  conversation(): Promise<Conversation>;
};

/** A channel's only way to the network; `channels/http.ts` makes it. */
export type ChannelHttp = {
  /** scheme and host, from config (`CHANNEL_<API>_API_URL`, by `api.name`) or the platform's own */
  baseUrl: string;
  /**
   * `path` follows `baseUrl`, or is an address on one of the channel's `api.hosts` (an address the platform handed out).
   * One attempt: few platforms have idempotency keys, so trying again is the delivery's decision.
   * Resolves with whatever the platform answered, failures too. Rejects when there is no answer (network, timeout,
   * open breaker: AppError `unavailable` with retryAfter), when the host is none of the channel's (`bad_request`), or when
   * the answer is too large (AppError `payload_too_large`).
   */
  fetch(
    path: string,
    init: {
      method: 'GET' | 'POST' | 'DELETE';
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
  | {
      outcome: 'failed';
      /** in the platform's words */
      reason: string;
      /** the platform's code, or ours (`window_closed`) */
      code?: string;
      /** false: sending the same again cannot work */
      retryable?: boolean;
      /** the customer cannot be reached any more */
      unreachable?: boolean;
      /** the credentials are no longer good: the inbox needs a person */
      disconnected?: boolean;
    };

export type Connection = { displayName: string; externalId: string; detail?: string };

export type Channel<Credentials = unknown> = {
  name: ChannelName;
  /** as people know it */
  title: string;
  /** The platform's own words, each field with `meta({ title, help, secret })`. Parsed on save and use. */
  credentials: ZodObject & { _output: Credentials };
  /** Fields of the credentials we invent when they are left out: whoever saves them fills in `newToken()`. */
  generated?: readonly string[];
  /** Settings of an inbox of this channel, each with `meta`, for the same kind of form. */
  settings?: ZodObject;
  /**
   * Where the platform is: `url`, unless `CHANNEL_<NAME>_API_URL` is set, and further hosts it serves files and calls from.
   * Channels of one platform share it.
   */
  api?: { name: string; url: string; hosts?: readonly string[]; description?: string };
  /** Settings of the installation: secrets of its own apps, for addresses all their inboxes share. */
  environment?: Record<string, TextVariable>;
  /** undefined: what is said comes over our own socket */
  intake?: WebhookIntake<Credentials> | ListenerIntake<Credentials>;
  /**
   * The realtime layer shows a message the moment it is stored (our own widget): there is nothing to deliver.
   */
  live?: true;
  limits: {
    textLength: number;
    unit: 'utf16' | 'bytes';
    /** calls in a second the platform takes of one inbox */
    perSecond?: number;
  };
  /**
   * `render` makes buttons of a message's choices; a tap comes back as a message whose `action` is the choice's id. Without
   * it they are numbered in the text.
   */
  choices?: true;
  /** what the platform tells of our messages' fate: a message at a time, or everything up to a moment */
  receipts?: 'message' | 'watermark';
  /**
   * Free words are taken only so long after the customer's last ones; afterwards templates alone. `personHours`: people may
   * write for longer than bots.
   */
  window?: { hours: number; personHours?: number };
  render(message: OutboundMessage): Part[];
  send(part: Part, context: SendContext, credentials: Credentials, http: ChannelHttp): Promise<SendResult>;
  typing?(context: SendContext, credentials: Credentials, http: ChannelHttp): Promise<void>;
  fetchMedia?(
    media: MediaReference,
    credentials: Credentials,
    http: ChannelHttp,
  ): Promise<{ bytes: Buffer; mime?: string; name?: string }>;
  /** for how long the platform keeps a file a customer sent (default 24) */
  mediaHours?: number;
  /** The approved texts for outside the window. Throws `badRequest` in the platform's words. */
  listTemplates?(credentials: Credentials, http: ChannelHttp): Promise<ChannelTemplate[]>;
  /** The account behind the credentials, as `externalId` of `Connection` names it, read without asking the platform. */
  accountOf?(credentials: Credentials): string;
  /** Checks the credentials live; throws `badRequest` saying what is wrong in words. */
  connect?(credentials: Credentials, options: { webhookUrl: string }, http: ChannelHttp): Promise<Connection>;
  /** `connect` also tells the platform the inbox’s own address; else a person pastes it there. */
  registersWebhook?: true;
  disconnect?(credentials: Credentials, http: ChannelHttp): Promise<void>;
  /**
   * For tokens that run out. `renew` is called before use once `isDue` says so, by one process at a time; what it returns
   * is written back with the lease on it in one statement, and used by all.
   */
  refresh?: {
    isDue(credentials: Credentials, now: Date): boolean;
    renew(credentials: Credentials, http: ChannelHttp): Promise<Credentials>;
  };
};

/** Kinds of file a platform hands over. */
export type MediaKind = Extract<MessageContentType, 'image' | 'audio' | 'video' | 'document'>;
