import { z } from 'zod';
import { ConversationStatus, Message } from './conversations.ts';

/** GET /api/v1/widget/:token — what the widget needs before a visitor says anything. Public. */
export const WidgetConfig = z.object({
  title: z.string(),
  accent: z.string(),
  position: z.enum(['left', 'right']),
  greeting: z.string(),
  suggestedQuestions: z.array(z.string()),
  /** a person can be asked for */
  handoffEnabled: z.boolean(),
  language: z.string(),
  workspaceName: z.string(),
});
export type WidgetConfig = z.infer<typeof WidgetConfig>;

/**
 * POST /api/v1/widget/:token/files (multipart `file`, header `authorization: Visitor <visitor token>`) stores a visitor's file;
 * GET /api/v1/widget/:token/files/:id with the same header reads one of the visitor's conversation;
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
