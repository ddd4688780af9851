import { z } from 'zod';
import { Id, Timestamp, line, prose, PageQuery, paged, success, IdParams, Done } from './common.ts';
import { Deletion } from './deletions.ts';
import { api, get, patch, post, remove } from './declare.ts';

export const ChannelName = z.enum(['web', 'telegram', 'whatsapp']);
export type ChannelName = z.infer<typeof ChannelName>;

/** How the widget of a web inbox looks. */
export const WidgetSettings = z.object({
  accent: z
    .string()
    .max(7)
    .regex(/^#[0-9a-fA-F]{6}$/),
  title: prose(60),
  position: z.enum(['left', 'right']),
  /** auto: as the page it stands on */
  theme: z.enum(['auto', 'light', 'dark']),
  /** origins that may embed the widget; empty = any */
  allowedOrigins: z.array(z.url().max(200)).max(50),
});
export type WidgetSettings = z.infer<typeof WidgetSettings>;

/** where an inbox says nothing */
export const REOPEN_DAYS = 7;

export const InboxSettings = WidgetSettings.extend({
  /** so many days after it was resolved a message reopens a conversation; later, and with 0 at once, it begins another */
  reopenDays: z.int().min(0).max(365),
});
export type InboxSettings = z.infer<typeof InboxSettings>;

export const InboxInput = z.strictObject({
  name: line(80),
  channel: ChannelName,
  botId: Id.nullable().default(null),
  /** the platform's own words, checked by the channel: telegram {botToken, secretToken?} */
  credentials: z.record(z.string().max(100), z.unknown()).default({}),
  settings: InboxSettings.partial().default({}),
});
export type InboxInput = z.infer<typeof InboxInput>;
export const InboxPatch = z
  .strictObject({
    name: line(80),
    botId: Id.nullable(),
    credentials: z.record(z.string().max(100), z.unknown()),
    settings: InboxSettings.partial(),
    enabled: z.boolean(),
  })
  .partial();
export type InboxPatch = z.infer<typeof InboxPatch>;

export const Inbox = z.object({
  id: Id,
  name: z.string(),
  channel: ChannelName,
  botId: Id.nullable(),
  /** public: stands in the widget snippet and the webhook address */
  token: z.string(),
  webhookUrl: z.string().nullable(),
  chatUrl: z.string().nullable(),
  settings: InboxSettings,
  /** `disconnected`: the platform no longer takes the credentials, and a person has to renew them */
  status: z.enum(['connected', 'failing', 'disconnected', 'disabled']),
  statusDetail: z.string().nullable(),
  lastEventAt: Timestamp.nullable(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  /** credentials Parley generated; returned once, in the answer that created or renewed them */
  generated: z.record(z.string(), z.string()).optional(),
});
export type Inbox = z.infer<typeof Inbox>;

/** The live check of a connection: what the platform says about our credentials and webhook. */
export const InboxCheck = z.object({ ok: z.boolean(), displayName: z.string().nullable(), detail: prose(1000) });
export type InboxCheck = z.infer<typeof InboxCheck>;

/** What a website signs the ids of its visitors with. Null: none was made yet, so nothing is believed. */
export const IdentitySecret = z.object({ identitySecret: z.string().nullable() });
export type IdentitySecret = z.infer<typeof IdentitySecret>;

export const inboxesApi = api('Inboxes', {
  list: get('/inboxes', 'inboxes:read', { summary: 'List inboxes', query: PageQuery, response: paged(Inbox) }),
  create: post('/inboxes', 'inboxes:write', {
    summary: 'Connect an inbox',
    body: InboxInput,
    status: 201,
    response: success(Inbox),
  }),
  get: get('/inboxes/:id', 'inboxes:read', { summary: 'Read an inbox', params: IdParams, response: success(Inbox) }),
  update: patch('/inboxes/:id', 'inboxes:write', {
    summary: 'Change an inbox',
    params: IdParams,
    body: InboxPatch,
    response: success(Inbox),
  }),
  previewDeletion: get('/inboxes/:id/deletion', 'inboxes:write', {
    summary: 'What the deletion of an inbox takes with it, and what becomes of the rest',
    params: IdParams,
    response: success(Deletion),
  }),
  remove: remove('/inboxes/:id', 'inboxes:write', {
    summary: 'Delete an inbox',
    params: IdParams,
    response: success(Done),
  }),
  check: post('/inboxes/:id/check', 'inboxes:write', {
    summary: 'Check the connection of an inbox now',
    params: IdParams,
    response: success(InboxCheck),
  }),
  identitySecret: get('/inboxes/:id/identity-secret', 'inboxes:write', {
    summary: 'Read the secret a website signs its visitors with',
    params: IdParams,
    response: success(IdentitySecret),
  }),
  renewIdentitySecret: post('/inboxes/:id/identity-secret', 'inboxes:write', {
    summary: 'Make another secret for signing visitors; the one before is void at once',
    params: IdParams,
    response: success(IdentitySecret),
  }),
});
