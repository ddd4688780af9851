import { z } from 'zod';
import { Id, Timestamp } from './common.ts';
import { Conversation, ConversationStatus, Message } from './conversations.ts';
import type { conversationEvents, messageEvents } from './conversations.ts';
import { ExpectedWait, Handoff } from './handoffs.ts';
import type { handoffEvents } from './handoffs.ts';
import type { memberEvents } from './members.ts';
import { Presence } from './people.ts';
import { Source } from './knowledge.ts';
import type { queueEvents } from './queues.ts';
import type { visitorEvents } from './visitors.ts';

/**
 * The socket protocol (Socket.IO, path /socket.io). Agents connect with `auth: {token}`, visitors with
 * `auth: {inbox, visitor?}`. Every event of a client is acknowledged with the REST envelope.
 */

/** agent → server, each declared with its noun */
type AgentEvents = typeof memberEvents &
  typeof conversationEvents &
  typeof messageEvents &
  typeof handoffEvents &
  typeof queueEvents;

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
  expectedWait: ExpectedWait.nullable(),
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
  expectedWait: ExpectedWait.optional(),
  expectedWaitSeconds: z.int().optional(),
  /** of a resolved one: until when a message reopens it, null for never */
  reopenUntil: Timestamp.nullable().optional(),
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
  /** to whoever has it now, those who look at it and its customer, who is told a name and no id */
  'session:assigned': z.object({
    conversationId: Id,
    agentName: z.string(),
    agent: z.object({ id: Id, name: z.string() }).optional(),
  }),
  'session:closed': z.object({ conversationId: Id }),
  'message:received': Message,
  'message:updated': Message,
  'message:chunk': MessageChunk,
  'status:changed': StatusChanged,
  typing: Typing,
  /** the first of the queue; `total` counts all of it */
  'queue:update': z.object({ handoffs: z.array(Handoff), total: z.int() }),
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
export type VisitorToServer = { [K in keyof typeof visitorEvents]: Listener<Inputs<typeof visitorEvents>[K]> };
export type AgentToServer = { [K in keyof AgentEvents]: Listener<Inputs<AgentEvents>[K]> };
export type ServerEventName = keyof typeof ServerEvents;
export type ServerEventPayload<K extends ServerEventName> = Payloads<typeof ServerEvents>[K];
