/** The Bot API methods the double speaks, each with the checks Telegram makes and the words it refuses with. */
import { EntityError, parseHtml, parseMarkdownV2, type ParsedEntity, type ParsedText } from './telegram-entities.ts';
import type { TelegramCall } from './telegram.ts';

export class TelegramRefusal extends Error {
  code: number;
  parameters: Record<string, unknown> | undefined;
  constructor(code: number, description: string, parameters?: Record<string, unknown>) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }
}

/** A message that reached a chat. `text` is plain, after entity parsing (the caption for files). */
export type TelegramDoubleMessage = {
  messageId: number;
  chatId: string;
  method: string;
  text: string;
  entities: ParsedEntity[];
  parseMode?: string;
  replyTo?: number;
  file?: { name: string; mime: string; size: number } | { url: string };
};

export type TelegramState = {
  me: { id: number; is_bot: true; first_name: string; username: string };
  messages: TelegramDoubleMessage[];
  files: Map<string, { path: string; bytes: Buffer; size: number }>;
  blockedChats: Set<string>;
  unknownChats: Set<string>;
  migratedChats: Map<string, number>;
  webhook: { url: string; secretToken?: string; allowedUpdates?: string[] } | undefined;
};

type Method = (state: TelegramState, call: TelegramCall) => unknown;

const MEGABYTE = 1024 * 1024;
const ACTIONS = new Set(
  'typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker find_location record_video_note upload_video_note'.split(
    ' ',
  ),
);

const bad = (description: string, parameters?: Record<string, unknown>) =>
  new TelegramRefusal(400, `Bad Request: ${description}`, parameters);

/** A registry: a new method is a new entry. */
export const methods: Record<string, Method> = {
  getMe: (state) => ({ ...state.me, can_join_groups: true, can_read_all_group_messages: false }),
  setWebhook,
  deleteWebhook: (state) => {
    state.webhook = undefined;
    return true;
  },
  getWebhookInfo: (state) => ({
    url: state.webhook?.url ?? '',
    has_custom_certificate: false,
    pending_update_count: 0,
    ...(state.webhook?.allowedUpdates ? { allowed_updates: state.webhook.allowedUpdates } : {}),
  }),
  sendMessage: (state, call) => {
    const chatId = reachableChat(state, call);
    const parsed = formatted(call, 'text', 4096);
    if (parsed.text === '') throw bad('message text is empty');
    return keep(state, call, chatId, parsed);
  },
  sendPhoto: (state, call) => sendUpload(state, call, 'photo', 10 * MEGABYTE),
  sendDocument: (state, call) => sendUpload(state, call, 'document', 50 * MEGABYTE),
  sendChatAction: (state, call) => {
    reachableChat(state, call);
    if (!ACTIONS.has(String(call.params['action']))) throw bad('wrong parameter action in request');
    return true;
  },
  editMessageText: (state, call) => {
    const chatId = reachableChat(state, call);
    const messageId = Number(call.params['message_id']);
    const message = state.messages.find((entry) => entry.chatId === chatId && entry.messageId === messageId);
    if (!message) throw bad('message to edit not found');
    const parsed = formatted(call, 'text', 4096);
    if (parsed.text === '') throw bad('message text is empty');
    if (parsed.text === message.text && JSON.stringify(parsed.entities) === JSON.stringify(message.entities)) {
      throw bad('message is not modified: specified new message content is exactly the same as a current content');
    }
    Object.assign(message, parsed);
    return describe(message);
  },
  answerCallbackQuery: (_state, call) => {
    if (!call.params['callback_query_id'])
      throw bad('query is too old and response timeout expired or query ID is invalid');
    return true;
  },
  getFile: (state, call) => {
    const fileId = String(call.params['file_id'] ?? '');
    const file = state.files.get(fileId);
    if (!file) throw bad('invalid file_id');
    if (file.size > 20 * MEGABYTE) throw bad('file is too big');
    return { file_id: fileId, file_unique_id: `unique-${fileId}`, file_size: file.size, file_path: file.path };
  },
};

function setWebhook(state: TelegramState, call: TelegramCall): boolean {
  const url = String(call.params['url'] ?? '');
  if (url === '') {
    state.webhook = undefined;
    return true;
  }
  // Plain HTTP on loopback is what a self-hosted Bot API server in local mode allows; everything else must be HTTPS.
  const loopback = /^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(url);
  if (!URL.canParse(url)) throw bad('bad webhook: Failed to resolve host: invalid URL');
  if (!url.startsWith('https://') && !loopback) {
    throw bad('bad webhook: An HTTPS URL must be provided for webhook');
  }
  const secret = call.params['secret_token'];
  if (secret !== undefined && !/^[A-Za-z0-9_-]{1,256}$/.test(String(secret))) {
    throw bad('secret token contains unallowed characters');
  }
  const allowed = call.params['allowed_updates'];
  if (allowed !== undefined && !Array.isArray(allowed)) throw bad("can't parse allowed updates: expected an Array");
  state.webhook = {
    url,
    ...(secret === undefined ? {} : { secretToken: String(secret) }),
    ...(allowed === undefined ? {} : { allowedUpdates: allowed.map(String) }),
  };
  return true;
}

function reachableChat(state: TelegramState, call: TelegramCall): string {
  const raw = call.params['chat_id'];
  if (raw === undefined || raw === '') throw bad('chat_id is empty');
  const chatId = String(raw);
  if (!/^(-?\d+|@\w{5,})$/.test(chatId) || state.unknownChats.has(chatId)) throw bad('chat not found');
  const migrated = state.migratedChats.get(chatId);
  if (migrated !== undefined) {
    throw bad('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: migrated });
  }
  if (state.blockedChats.has(chatId)) throw new TelegramRefusal(403, 'Forbidden: bot was blocked by the user');
  return chatId;
}

function formatted(call: TelegramCall, field: 'text' | 'caption', limit: number): ParsedText {
  const raw = call.params[field] ?? '';
  if (typeof raw !== 'string') throw bad(`field "${field}" must be of type String`);
  if (!raw.isWellFormed()) throw bad('strings must be encoded in UTF-8');
  const parsed = parseAs(call.params['parse_mode'], raw);
  const text = parsed.text.trim();
  if (text.length > limit) throw bad(field === 'text' ? 'message is too long' : 'message caption is too long');
  return { text, entities: parsed.entities };
}

function parseAs(mode: unknown, raw: string): ParsedText {
  try {
    if (mode === undefined || mode === '') return { text: raw, entities: [] };
    if (String(mode).toLowerCase() === 'html') return parseHtml(raw);
    if (String(mode).toLowerCase() === 'markdownv2') return parseMarkdownV2(raw);
  } catch (error) {
    if (error instanceof EntityError) throw bad(`can't parse entities: ${error.message}`);
    throw error;
  }
  throw bad('unsupported parse_mode');
}

function sendUpload(state: TelegramState, call: TelegramCall, field: 'photo' | 'document', maximum: number): unknown {
  const chatId = reachableChat(state, call);
  const upload = call.files[field];
  const reference = call.params[field];
  if (!upload && typeof reference !== 'string') throw bad(`there is no ${field} in the request`);
  if (upload && upload.bytes.length === 0) throw bad('file must be non-empty');
  if (upload && upload.bytes.length > maximum) throw new TelegramRefusal(413, 'Request Entity Too Large');
  const file = upload
    ? { name: upload.name, mime: upload.mime, size: upload.bytes.length }
    : { url: String(reference) };
  return keep(state, call, chatId, formatted(call, 'caption', 1024), file);
}

function keep(
  state: TelegramState,
  call: TelegramCall,
  chatId: string,
  parsed: ParsedText,
  file?: TelegramDoubleMessage['file'],
): unknown {
  const reply = call.params['reply_parameters'] as { message_id?: number } | undefined;
  const message: TelegramDoubleMessage = {
    messageId: 1000 + state.messages.length,
    chatId,
    method: call.method,
    ...parsed,
    ...(call.params['parse_mode'] === undefined ? {} : { parseMode: String(call.params['parse_mode']) }),
    ...(reply?.message_id === undefined ? {} : { replyTo: reply.message_id }),
    ...(file ? { file } : {}),
  };
  state.messages.push(message);
  return describe(message);
}

function describe(message: TelegramDoubleMessage): unknown {
  const id = /^-?\d+$/.test(message.chatId) ? Number(message.chatId) : message.chatId;
  return {
    message_id: message.messageId,
    date: 1_780_000_000,
    chat: { id, type: String(message.chatId).startsWith('-') ? 'supergroup' : 'private' },
    ...(message.file ? { caption: message.text } : { text: message.text, entities: message.entities }),
  };
}
