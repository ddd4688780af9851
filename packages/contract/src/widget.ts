import { z } from 'zod';
import { success, Done, Id, FileBytes } from './common.ts';
import { api, get, post } from './declare.ts';
import { Attachment, ConversationStatus, Message } from './conversations.ts';

export const WidgetParams = z.object({ token: z.string().max(100) });
/** Languages the visitor reads, the best first, separated by commas; absent: those of the request's header. */
export const WidgetQuery = z.strictObject({ language: z.string().max(200).optional() });
/** GET /api/v1/widget/:token — what the widget needs before a visitor says anything. Public. */
export const WidgetConfig = z.object({
  title: z.string(),
  accent: z.string(),
  position: z.enum(['left', 'right']),
  theme: z.enum(['auto', 'light', 'dark']),
  greeting: z.string(),
  suggestedQuestions: z.array(z.string()),
  /** a person can be asked for */
  handoffEnabled: z.boolean(),
  /** of `words`: the first the visitor reads that there are words in, else the bot's */
  language: z.string(),
  /** what the widget says itself, by name */
  words: z.record(z.string(), z.string()),
  workspaceName: z.string(),
});
export type WidgetConfig = z.infer<typeof WidgetConfig>;

/**
 * POST /api/v1/widget/:token/files (multipart `file`, header `authorization: Visitor <visitor token>`) stores a visitor's file;
 * GET /api/v1/widget/:token/files/:id with the same header reads one of the visitor's conversation;
 * POST /api/v1/widget/:token/forget with the same header ends the visitor: the chat is closed, the token opens nothing any more.
 * GET /api/v1/widget/:token/passages/:chunkId opens a cited passage.
 */
export const WidgetPassage = z.object({
  title: z.string(),
  headingPath: z.string(),
  text: z.string(),
  url: z.string().nullable(),
});
export type WidgetPassage = z.infer<typeof WidgetPassage>;

/** What `customer:resume` answers: what came after the known seq, oldest first, and the state the conversation is in. */
export const Missed = z.object({ status: ConversationStatus, messages: z.array(Message) });
export type Missed = z.infer<typeof Missed>;

export const widgetApi = api('Widget', {
  config: get('/widget/:token', 'public', {
    summary: 'What the widget shows before anybody writes',
    params: WidgetParams,
    query: WidgetQuery,
    response: success(WidgetConfig),
  }),
  upload: post('/widget/:token/files', 'public', {
    summary: 'Upload a file to send with a message',
    params: WidgetParams,
    upload: 'attachment',
    visitor: true,
    status: 201,
    response: success(Attachment),
  }),
  download: get('/widget/:token/files/:id', 'public', {
    summary: 'Download a file of one’s own conversation',
    params: WidgetParams.extend({ id: Id }),
    visitor: true,
    response: FileBytes,
  }),
  forget: post('/widget/:token/forget', 'public', {
    summary: 'End the visitor: the chat is closed, the token is void',
    params: WidgetParams,
    visitor: true,
    response: success(Done),
  }),
  getPassage: get('/widget/:token/passages/:chunkId', 'public', {
    summary: 'Open a cited passage',
    params: WidgetParams.extend({ chunkId: Id }),
    response: success(WidgetPassage),
  }),
});
