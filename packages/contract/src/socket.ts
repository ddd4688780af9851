import { z } from 'zod';
import { ClientId, Id, Timestamp, cleanText, line, optionalLine, MAX_MESSAGE_LENGTH } from './common.ts';
import { Conversation, ConversationStatus, Message } from './conversations.ts';
import { Handoff } from './handoffs.ts';
import { Presence } from './people.ts';
import { Source } from './knowledge.ts';

/**
 * The socket protocol (Socket.IO, path /socket.io). Agents connect with `auth: {token}`, visitors with
 * `auth: {inbox, visitor?}`. Every event of a client is acknowledged with the REST envelope.
 */

const MAX_METADATA = 50;

/** What a page tells about its visitor: as much as is kept, and as the database can hold it. */
const Metadata = z.record(z.string().max(60), z.string().max(500)).transform((metadata) =>
  Object.fromEntries(
    Object.entries(metadata)
      .slice(0, MAX_METADATA)
      .map(([key, value]) => [cleanText(key), cleanText(value)]),
  ),
);

/** visitor → server */
export const VisitorEvents = {
  /** opens the visitor's conversation, or finds it again; answered with SessionCreated */
  'customer:start_chat': z.strictObject({
    name: optionalLine(120).optional(),
    email: z.email().max(254).optional(),
    metadata: Metadata.optional(),
  }),
  'customer:send_message': z.strictObject({
    conversationId: Id,
    text: line(MAX_MESSAGE_LENGTH),
    /** a resend with the same id changes nothing */
    clientId: ClientId,
    attachmentIds: z.array(Id).max(10).optional(),
  }),
  'customer:request_agent': z.strictObject({ conversationId: Id }),
  'customer:typing': z.strictObject({ conversationId: Id, typing: z.boolean().default(true) }),
  'customer:end_chat': z.strictObject({ conversationId: Id }),
  /** what was missed: every message after `after` */
  'customer:resume': z.strictObject({ conversationId: Id, after: z.int().min(0) }),
};

/** agent → server */
export const AgentEvents = {
  'agent:join': z.strictObject({ status: Presence.optional() }),
  'agent:pickup_session': z.strictObject({ conversationId: Id }),
  'agent:send_message': z.strictObject({ conversationId: Id, text: line(MAX_MESSAGE_LENGTH), clientId: ClientId }),
  'agent:typing': z.strictObject({ conversationId: Id, typing: z.boolean().default(true) }),
  'agent:close_session': z.strictObject({ conversationId: Id }),
  'conversation:subscribe': z.strictObject({ conversationId: Id }),
  'conversation:unsubscribe': z.strictObject({ conversationId: Id }),
};

/** admin → server */
export const AdminEvents = {
  'admin:get_stats': z.strictObject({}),
  'admin:debug_queue': z.strictObject({}),
  'admin:health_check': z.strictObject({}),
};

export const SessionCreated = z.object({
  conversationId: Id,
  /** signed visitor token: presents the visitor again at the next connection */
  visitor: z.string(),
  status: ConversationStatus,
  greeting: z.string(),
  suggestedQuestions: z.array(z.string()),
  lastSeq: z.int(),
  agentName: z.string().nullable(),
  position: z.int().nullable(),
  expectedWaitSeconds: z.int().nullable(),
});
export type SessionCreated = z.infer<typeof SessionCreated>;

/** A paragraph of a bot turn. `last` true ends the turn; it may come with an empty text. */
export const MessageChunk = z.object({
  conversationId: Id,
  turnId: Id,
  ordinal: z.int(),
  text: z.string(),
  last: z.boolean(),
});
export type MessageChunk = z.infer<typeof MessageChunk>;

export const StatusChanged = z.object({
  conversationId: Id,
  status: ConversationStatus,
  agentName: z.string().optional(),
  position: z.int().optional(),
  expectedWaitSeconds: z.int().optional(),
  /** handoff reason, when a handoff caused it */
  reason: z.string().optional(),
});
export type StatusChanged = z.infer<typeof StatusChanged>;

export const Typing = z.object({
  conversationId: Id,
  who: z.enum(['contact', 'bot', 'agent']),
  name: z.string().nullable(),
  typing: z.boolean(),
});
export type Typing = z.infer<typeof Typing>;

export const Stats = z.object({
  waiting: z.int(),
  openConversations: z.int(),
  agentsOnline: z.int(),
  visitorsConnected: z.int(),
  longestWaitSeconds: z.int(),
  at: Timestamp,
});
export type Stats = z.infer<typeof Stats>;

/** server → client */
export const ServerEvents = {
  'session:created': SessionCreated,
  'session:assigned': z.object({ conversationId: Id, agentName: z.string() }),
  'session:closed': z.object({ conversationId: Id }),
  'message:received': Message,
  'message:updated': Message,
  'message:chunk': MessageChunk,
  'status:changed': StatusChanged,
  typing: Typing,
  'queue:update': z.object({ handoffs: z.array(Handoff) }),
  'conversation:updated': Conversation,
  'source:updated': Source,
  'presence:changed': z.object({ userId: Id, presence: Presence }),
  notification: z.object({ kind: z.string(), title: z.string(), conversationId: Id.optional() }),
  'stats:update': Stats,
};

type Payloads<T extends Record<string, z.ZodType>> = { [K in keyof T]: z.infer<T[K]> };
type Inputs<T extends Record<string, z.ZodType>> = { [K in keyof T]: z.input<T[K]> };

export type Acknowledgement<T = unknown> =
  | { success: true; data: T }
  | { success: false; error: { code: string; message: string; details?: { field: string; message: string }[] } };

type Listener<P> = (payload: P, acknowledge: (answer: Acknowledgement) => void) => void;

/** For Socket.IO's typed server and clients. */
export type ServerToClient = { [K in keyof typeof ServerEvents]: (payload: Payloads<typeof ServerEvents>[K]) => void };
export type VisitorToServer = { [K in keyof typeof VisitorEvents]: Listener<Inputs<typeof VisitorEvents>[K]> };
export type AgentToServer = { [K in keyof typeof AgentEvents]: Listener<Inputs<typeof AgentEvents>[K]> } & {
  [K in keyof typeof AdminEvents]: Listener<Inputs<typeof AdminEvents>[K]>;
};
export type ServerEventName = keyof typeof ServerEvents;
export type ServerEventPayload<K extends ServerEventName> = Payloads<typeof ServerEvents>[K];
