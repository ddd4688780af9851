import { MAX_MESSAGE_LENGTH } from '@parley/contract';
import { z } from 'zod';
import type { Channel } from '../contract.ts';

const webCredentials = z.strictObject({
  identitySecret: z
    .string()
    .min(16)
    .max(200)
    .optional()
    .meta({ title: 'Identity secret', secret: true, help: 'Your website signs the ids of its visitors with it.' }),
});
export type WebCredentials = z.infer<typeof webCredentials>;

/**
 * Our own widget. Nothing reaches it from a webhook: visitors speak over the socket (`parse.ts`), and what is said to
 * them is shown by the realtime layer the moment it is stored, so sending has nothing left to do.
 */
export const web: Channel<WebCredentials> = {
  name: 'web',
  title: 'Web',
  credentials: webCredentials,
  generated: ['identitySecret'],
  live: true,
  choices: true,
  limits: { textLength: MAX_MESSAGE_LENGTH, unit: 'utf16' },
  render: ({ messageId, text, citations, attachments, choices }) => [
    { ordinal: 0, method: 'message', body: { messageId, text, citations, attachments, choices } },
  ],
  send: async (part) => ({ outcome: 'sent', platformId: String(part.body['messageId']) }),
};
