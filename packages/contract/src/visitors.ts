import { z } from 'zod';
import { ClientId, Id, cleanText, line, optionalLine, MAX_MESSAGE_LENGTH } from './common.ts';

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
export const visitorEvents = {
  /** opens the visitor's conversation, or finds it again; answered with SessionCreated */
  'customer:start_chat': z.strictObject({
    name: optionalLine(120).optional(),
    /** one that is not taken for an address is left out: a chat does not fail over what a page says of its visitor */
    email: z.email().max(254).optional().catch(undefined),
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
