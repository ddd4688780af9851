import { MAX_MESSAGE_LENGTH } from '@parley/contract';
import { z } from 'zod';
import { badRequest } from '../../platform/errors.ts';
import type { Channel } from '../contract.ts';

const webCredentials = z.strictObject({});
export type WebCredentials = z.infer<typeof webCredentials>;

/**
 * Our own widget. Nothing reaches it from a webhook: visitors speak over the socket (`parse.ts`), and what is said to
 * them is shown by the realtime layer the moment it is stored, so sending has nothing left to do.
 */
export const web: Channel<WebCredentials> = {
  name: 'web',
  credentials: webCredentials,
  live: true,
  limits: { textLength: MAX_MESSAGE_LENGTH, unit: 'utf16' },
  verify: () => ({ ok: false, status: 403, reason: 'the web channel has no webhook' }),
  parse: () => {
    throw badRequest('The web channel has no webhook.');
  },
  render: ({ messageId, text, citations, attachments }) => [
    { ordinal: 0, method: 'message', body: { messageId, text, citations, attachments } },
  ],
  send: async (part) => ({ outcome: 'sent', platformId: String(part.body['messageId']) }),
};
