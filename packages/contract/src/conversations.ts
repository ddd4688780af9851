import { z } from 'zod';
import {
  ClientId,
  Id,
  Timestamp,
  line,
  prose,
  queryNumber,
  CursorQuery,
  MAX_MESSAGE_LENGTH,
  cursored,
  success,
  IdParams,
} from './common.ts';
import { api, get, post, put } from './declare.ts';
import { ChannelName } from './inboxes.ts';
import { Choice } from './bot-texts.ts';
import { Citation } from './bots.ts';

/** bot → waiting → agent → resolved; snoozed comes back to what it was. */
export const ConversationStatus = z.enum(['bot', 'waiting', 'agent', 'snoozed', 'resolved']);
export type ConversationStatus = z.infer<typeof ConversationStatus>;
export const Priority = z.enum(['high', 'normal', 'low']);
export type Priority = z.infer<typeof Priority>;

export const MessageContentType = z.enum([
  'text',
  'image',
  'audio',
  'video',
  'document',
  'location',
  'contact',
  'interactive',
  'unsupported',
]);
export type MessageContentType = z.infer<typeof MessageContentType>;
/** Its order stands in messages.ts. */
export const MessageStatus = z.enum(['pending', 'sent', 'delivered', 'read', 'failed']);
export type MessageStatus = z.infer<typeof MessageStatus>;
export const AuthorType = z.enum(['contact', 'bot', 'agent', 'system']);
export const Author = z.object({ type: AuthorType, id: Id.nullable(), name: z.string().nullable() });
export type Author = z.infer<typeof Author>;

export const Attachment = z.object({
  id: Id,
  name: z.string(),
  mime: z.string(),
  /** bytes */
  size: z.int(),
});
export type Attachment = z.infer<typeof Attachment>;

export const MessageFailure = z.object({
  /** the platform's code, or one of ours: `window_closed` */
  code: z.string(),
  /** in the platform's words */
  message: z.string(),
  /** sending the same again may work */
  retryable: z.boolean(),
});
export type MessageFailure = z.infer<typeof MessageFailure>;
export const Reaction = z.object({ emoji: z.string(), authorType: AuthorType });
export type Reaction = z.infer<typeof Reaction>;

export const Message = z.object({
  id: Id,
  conversationId: Id,
  /** order inside the conversation; a missing number means a missed event */
  seq: z.int(),
  author: Author,
  type: MessageContentType,
  text: z.string(),
  location: z.object({ latitude: z.number(), longitude: z.number(), name: z.string().optional() }).nullable(),
  attachments: z.array(Attachment),
  /** files of the customer that the platform did not hand over: not yet, or given up */
  missingFiles: z.array(z.object({ name: z.string(), state: z.enum(['pending', 'failed']), reason: z.string() })),
  citations: z.array(Citation),
  /** what the customer can tap in place of an answer; of a bot's message */
  choices: z.array(Choice),
  /** seen by agents only */
  private: z.boolean(),
  status: MessageStatus,
  error: z.string().nullable(),
  failure: MessageFailure.nullable(),
  /** how often it was sent again after a failure */
  retries: z.int(),
  /** the message it answers */
  replyToId: Id.nullable(),
  /** what it answers in the platform's words: a part of a message, or one from before we know of the conversation */
  quote: z.object({ text: z.string(), author: z.enum(['contact', 'bot', 'agent']).nullable() }).nullable(),
  reactions: z.array(Reaction),
  /** the platform's id of what a customer wrote */
  externalId: z.string().nullable(),
  /** what the platform tells besides the text: an order, the advertisement it came from, shared contacts */
  details: z.record(z.string(), z.unknown()).nullable(),
  /** something came that the platform does not hand over */
  unsupported: z.object({ kind: z.string(), code: z.string(), reason: z.string() }).nullable(),
  turnId: Id.nullable(),
  ordinal: z.int().nullable(),
  clientId: z.string().nullable(),
  /** system messages only: what happened, e.g. `handoff.requested` */
  event: z.string().nullable(),
  /** when we have it; order goes by `seq` */
  createdAt: Timestamp,
  /** when the platform says it was written, where that is not when it reached us */
  sentAt: Timestamp.nullable(),
  editedAt: Timestamp.nullable(),
  /** what it said before it was edited, oldest first; of older texts only the newest are kept */
  earlier: z.array(z.object({ text: z.string(), until: Timestamp })),
  deletedAt: Timestamp.nullable(),
  edited: z.boolean(),
  deleted: z.boolean(),
});
export type Message = z.infer<typeof Message>;

export const Conversation = z.object({
  id: Id,
  status: ConversationStatus,
  /** of a deleted one nothing arrives, and nothing can be sent */
  inbox: z.object({ id: Id, name: z.string(), channel: ChannelName, deleted: z.boolean() }),
  contact: z.object({ id: Id, name: z.string(), email: z.string().nullable(), tier: z.string() }),
  botId: Id.nullable(),
  assignee: z.object({ id: Id, name: z.string() }).nullable(),
  priority: Priority,
  labels: z.array(z.string()),
  lastSeq: z.int(),
  lastMessageAt: Timestamp,
  lastMessagePreview: z.string(),
  lastMessageAuthor: AuthorType,
  /** what the customer wrote last, shortened; empty where they wrote nothing */
  lastCustomerPreview: z.string(),
  /** the newest message of ours did not reach the customer */
  sendFailed: z.boolean(),
  unreadCount: z.int(),
  /** set while a handoff waits */
  handoff: z
    .object({ id: Id, reason: z.string(), reasonDetail: z.string().nullable(), waitingSince: Timestamp })
    .nullable(),
  /** until when the platform takes free words, of people and of bots; null where it sets no window */
  window: z
    .object({ open: z.boolean(), closesAt: Timestamp.nullable(), automaticUntil: Timestamp.nullable() })
    .nullable(),
  snoozedUntil: Timestamp.nullable(),
  resolvedAt: Timestamp.nullable(),
  /** until when a message of the customer reopens it; null where one begins another conversation */
  reopenUntil: Timestamp.nullable(),
  createdAt: Timestamp,
});
export type Conversation = z.infer<typeof Conversation>;

/** `undoId` takes the move back: `POST /conversations/:id/undo`. */
export const MovedConversation = Conversation.extend({ undoId: Id });
export type MovedConversation = z.infer<typeof MovedConversation>;
export const UndoInput = z.strictObject({ undoId: Id });

export const ConversationQuery = CursorQuery.extend({
  /** one or several, separated by commas */
  status: z
    .string()
    .max(60)
    .transform((value) => value.split(','))
    .pipe(z.array(ConversationStatus).max(5))
    .optional(),
  inboxId: Id.optional(),
  contactId: Id.optional(),
  /** a user's id, `me` or `none` */
  assigneeId: z.union([Id, z.enum(['me', 'none'])]).optional(),
  label: line(60).optional(),
  /** full text over messages and contact names */
  q: prose(200).optional(),
  /** begins at the place of this conversation; instead of `cursor` */
  from: Id.optional(),
  /** what stands right above this conversation; `nextCursor` tells that there is more above. Instead of `cursor` */
  above: Id.optional(),
});
export type ConversationQuery = z.infer<typeof ConversationQuery>;
/** Newest first by `cursor`; or everything after a known `seq`, oldest first, to close a gap. */
export const MessageQuery = CursorQuery.extend({ after: queryNumber(0, Number.MAX_SAFE_INTEGER).optional() });

export const AgentMessageInput = z.strictObject({
  text: line(MAX_MESSAGE_LENGTH).optional(),
  private: z.boolean().default(false),
  attachmentIds: z.array(Id).max(10).default([]),
  /** the message it answers */
  replyToId: Id.optional(),
  /** in place of words, where the platform's window is closed */
  template: z
    .strictObject({
      name: line(512),
      language: line(20),
      variables: z.record(z.string().max(60), z.string().max(1024)).default({}),
    })
    .optional(),
  clientId: ClientId.optional(),
});
export type AgentMessageInput = z.infer<typeof AgentMessageInput>;
/** Without an agent the conversation becomes nobody's. */
/** agent → server */
export const messageEvents = {
  'agent:send_message': z.strictObject({ conversationId: Id, text: line(MAX_MESSAGE_LENGTH), clientId: ClientId }),
  'agent:typing': z.strictObject({ conversationId: Id, typing: z.boolean().default(true) }),
};

/** agent → server */
export const conversationEvents = {
  'agent:close_session': z.strictObject({ conversationId: Id }),
  'conversation:subscribe': z.strictObject({ conversationId: Id }),
  'conversation:unsubscribe': z.strictObject({ conversationId: Id }),
  'admin:get_stats': z.strictObject({}),
};

export const AssignInput = z.strictObject({ agentId: Id.nullable() });
export const SnoozeInput = z.strictObject({ until: Timestamp });
export const LabelsInput = z.strictObject({ labels: z.array(line(60)).max(20) });
/** How many conversations each view lists. */
export const ViewCounts = z.object({
  /** whoever asks has them, in progress */
  mine: z.int(),
  /** wait, or belong to people, and nobody has them */
  unassigned: z.int(),
  waiting: z.int(),
  bot: z.int(),
  /** with a person */
  agent: z.int(),
  snoozed: z.int(),
  resolved: z.int(),
  /** with the bot, with a person or in the queue */
  open: z.int(),
  all: z.int(),
});
export type ViewCounts = z.infer<typeof ViewCounts>;
/** Of the workspace, and the same of each inbox that has any. */
export const ConversationCounts = ViewCounts.extend({
  /** since when the one waits who waits longest; null when nobody does */
  waitingSince: Timestamp.nullable(),
  inboxes: z.array(ViewCounts.extend({ inboxId: Id })),
});
export type ConversationCounts = z.infer<typeof ConversationCounts>;

export const conversationsApi = api('Conversations', {
  list: get('/conversations', 'conversations:read', {
    summary: 'List conversations, newest first',
    query: ConversationQuery,
    response: cursored(Conversation),
  }),
  count: get('/conversations/counts', 'conversations:read', {
    summary: 'Count conversations by view, of the workspace and of each inbox',
    response: success(ConversationCounts),
  }),
  get: get('/conversations/:id', 'conversations:read', {
    summary: 'Read a conversation',
    params: IdParams,
    response: success(Conversation),
  }),
  listMessages: get('/conversations/:id/messages', 'conversations:read', {
    summary: 'Read messages: the newest before `cursor`, or all after a known `seq`; oldest first',
    params: IdParams,
    query: MessageQuery,
    response: cursored(Message),
  }),
  sendMessage: post('/conversations/:id/messages', 'conversations:write', {
    summary: 'Reply, or write a private note',
    params: IdParams,
    body: AgentMessageInput,
    status: 201,
    response: success(Message),
  }),
  retryMessage: post('/messages/:id/retry', 'conversations:write', {
    summary: 'Send a failed message again',
    params: IdParams,
    response: success(Message),
  }),
  retryFiles: post('/messages/:id/files/retry', 'conversations:write', {
    summary: 'Fetch files again that the platform did not hand over',
    params: IdParams,
    response: success(Message),
  }),
  markRead: post('/conversations/:id/read', 'conversations:read', {
    summary: 'Mark as read',
    params: IdParams,
    response: success(Conversation),
  }),
  setLabels: put('/conversations/:id/labels', 'conversations:write', {
    summary: 'Replace the labels',
    params: IdParams,
    body: LabelsInput,
    response: success(Conversation),
  }),
  takeOver: post('/conversations/:id/take-over', 'conversations:write', {
    summary: 'Take over from the bot or the queue; the bot falls silent',
    params: IdParams,
    response: success(MovedConversation),
  }),
  returnToBot: post('/conversations/:id/return-to-bot', 'conversations:write', {
    summary: 'Give it back to the bot',
    params: IdParams,
    response: success(MovedConversation),
  }),
  resolve: post('/conversations/:id/resolve', 'conversations:write', {
    summary: 'Resolve',
    params: IdParams,
    response: success(MovedConversation),
  }),
  reopen: post('/conversations/:id/reopen', 'conversations:write', {
    summary: 'Reopen a resolved or snoozed conversation',
    params: IdParams,
    response: success(MovedConversation),
  }),
  assign: post('/conversations/:id/assign', 'conversations:write', {
    summary: 'Assign an agent, or nobody',
    params: IdParams,
    body: AssignInput,
    response: success(MovedConversation),
  }),
  snooze: post('/conversations/:id/snooze', 'conversations:write', {
    summary: 'Snooze until a time or the next message',
    params: IdParams,
    body: SnoozeInput,
    response: success(MovedConversation),
  }),
  undo: post('/conversations/:id/undo', 'conversations:write', {
    summary: 'Take the last move back',
    params: IdParams,
    body: UndoInput,
    response: success(Conversation),
  }),
});
