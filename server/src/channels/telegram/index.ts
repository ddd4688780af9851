import type { Channel } from '../contract.ts';
import { connect, disconnect, fetchMedia, typing } from './connect.ts';
import { botIdOf, telegramCredentials, type TelegramCredentials } from './credentials.ts';
import { answer, parse } from './parse.ts';
import { render, TEXT_LIMIT } from './render.ts';
import { send } from './send.ts';
import { verify } from './verify.ts';

/** Telegram through the Bot API 10.1. */
export const telegram: Channel<TelegramCredentials> = {
  name: 'telegram',
  title: 'Telegram',
  credentials: telegramCredentials,
  generated: ['secretToken'],
  api: { name: 'telegram', url: 'https://api.telegram.org', description: 'Where the Bot API is.' },
  intake: { kind: 'webhook', verify, parse, answer },
  // "Over 30 messages in a second" is where Telegram begins to refuse a bot.
  limits: { textLength: TEXT_LIMIT, unit: 'utf16', perSecond: 30 },
  choices: true,
  render,
  send,
  typing,
  fetchMedia,
  accountOf: botIdOf,
  connect,
  registersWebhook: true,
  disconnect,
};
