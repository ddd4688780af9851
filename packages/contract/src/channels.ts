import { z } from 'zod';
import { IdParams, success } from './common.ts';
import { api, get, post } from './declare.ts';
import { ChannelName } from './inboxes.ts';

/** One field of a form: what the platform calls it, and where to find it. */
export const ChannelField = z.object({
  name: z.string(),
  label: z.string(),
  secret: z.boolean(),
  required: z.boolean(),
  help: z.string(),
});
export type ChannelField = z.infer<typeof ChannelField>;

export const ChannelCapabilities = z.object({
  /** shown the moment it is stored; nothing is delivered */
  live: z.boolean(),
  /** how events come */
  intake: z.enum(['socket', 'webhook', 'listener']),
  /** connecting tells the platform where to send events: nobody has to paste an address there */
  registersWebhook: z.boolean(),
  typing: z.boolean(),
  /** files from customers */
  files: z.boolean(),
  /** what is told of a message's fate after it was sent */
  receipts: z.enum(['none', 'message', 'watermark']),
  templates: z.boolean(),
  /** free words are taken only so long after the customer's last message */
  window: z.object({ hours: z.number(), personHours: z.number() }).nullable(),
  textLength: z.int(),
  /** in what `textLength` is counted */
  unit: z.enum(['utf16', 'bytes']),
});
export type ChannelCapabilities = z.infer<typeof ChannelCapabilities>;

/** GET /api/v1/channels — what there is to connect, and the forms for it. */
export const ChannelInfo = z.object({
  name: ChannelName,
  title: z.string(),
  fields: z.array(ChannelField),
  capabilities: ChannelCapabilities,
  settings: z.array(ChannelField),
});
export type ChannelInfo = z.infer<typeof ChannelInfo>;

/** A text the platform approved, for when the window is closed. `{{1}}` in the body is the variable "1". */
export const ChannelTemplate = z.object({
  name: z.string(),
  language: z.string(),
  status: z.string(),
  category: z.string(),
  body: z.string(),
  variables: z.array(z.string()),
});
export type ChannelTemplate = z.infer<typeof ChannelTemplate>;

export const channelsApi = api('Inboxes', {
  list: get('/channels', 'inboxes:read', {
    summary: 'List the channels with the forms to connect them',
    response: success(z.array(ChannelInfo)),
  }),
  listTemplates: get('/inboxes/:id/templates', 'conversations:read', {
    summary: 'List the templates of an inbox',
    params: IdParams,
    response: success(z.array(ChannelTemplate)),
  }),
  syncTemplates: post('/inboxes/:id/templates/sync', 'inboxes:write', {
    summary: 'Read the templates from the platform again',
    params: IdParams,
    response: success(z.array(ChannelTemplate)),
  }),
});
