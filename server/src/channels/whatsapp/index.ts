import type { Channel } from '../contract.ts';
import { connect, listTemplates, typing } from './connect.ts';
import { metaApp } from './app.ts';
import { whatsappCredentials, type WhatsappCredentials } from './credentials.ts';
import { fetchMedia } from './media.ts';
import { inboxOf, parse } from './parse.ts';
import { render, TEXT_LIMIT } from './render.ts';
import { send } from './send.ts';
import { respond, verify } from './verify.ts';

/** WhatsApp through the Cloud API (Graph v25.0). */
export const whatsapp: Channel<WhatsappCredentials> = {
  name: 'whatsapp',
  title: 'WhatsApp',
  credentials: whatsappCredentials,
  generated: ['verifyToken'],
  api: {
    name: 'meta',
    url: 'https://graph.facebook.com',
    hosts: ['graph.facebook.com', 'lookaside.fbsbx.com'],
    description: 'Where the Graph API is: WhatsApp (later Messenger and Instagram).',
  },
  environment: metaApp,
  intake: {
    kind: 'webhook',
    verify,
    respond,
    parse,
    shared: { variables: { appSecret: 'META_APP_SECRET', verifyToken: 'META_VERIFY_TOKEN' }, inboxOf },
  },
  // 80 a second of a number, what comes in included.
  limits: { textLength: TEXT_LIMIT, unit: 'utf16', perSecond: 60 },
  receipts: 'message',
  window: { hours: 24 },
  choices: true,
  render,
  send,
  typing,
  fetchMedia,
  mediaHours: 7 * 24,
  listTemplates,
  accountOf: ({ phoneNumberId }) => phoneNumberId,
  connect,
};
