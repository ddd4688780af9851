/** Telegram updates to the common inbound message. Pure; one update gives none or one. */
import { badRequest } from '../../platform/errors.ts';
import type { Inbound, MediaReference, Parsed, Sender, WebhookAnswer, WebhookRequest } from '../contract.ts';
import { readJson } from '../json.ts';
import { botIdOf, type TelegramCredentials } from './credentials.ts';
import {
  update,
  type CallbackQuery,
  type Entity,
  type File,
  type MemberChange,
  type Message,
  type ReactionChange,
  type User,
} from './update.ts';

type InboundMessage = Extract<Inbound, { kind: 'message' }>;
type Content = Pick<InboundMessage, 'type' | 'text' | 'media' | 'location' | 'details' | 'action'>;

export function parse(request: WebhookRequest, credentials: TelegramCredentials): Parsed {
  const parsed = update.safeParse(readJson(request.rawBody, 'a Telegram update'));
  if (!parsed.success) {
    const details = parsed.error.issues.slice(0, 5);
    throw badRequest(
      'This is not a Telegram update.',
      details.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    );
  }
  const {
    update_id: id,
    message,
    edited_message: edited,
    my_chat_member: member,
    callback_query: pressed,
    message_reaction: reaction,
  } = parsed.data;
  const platformId = `update:${id}`;
  const inbound =
    (message && fromMessage(message, platformId, credentials)) ??
    (edited && fromEdit(edited, platformId, credentials)) ??
    (member && fromMemberChange(member, platformId)) ??
    (pressed && fromCallback(pressed, platformId)) ??
    (reaction && fromReaction(reaction, platformId));
  return { events: inbound ? [inbound] : [], skipped: [] };
}

/** A press waits for its answer: until then the button turns. It needs no call, Telegram takes it from the webhook's answer. */
export function answer(request: WebhookRequest): WebhookAnswer | undefined {
  if (!request.rawBody.includes('"callback_query"')) return undefined;
  const { data } = update.safeParse(readJson(request.rawBody, 'a Telegram update'));
  if (!data?.callback_query) return undefined;
  const body = JSON.stringify({ method: 'answerCallbackQuery', callback_query_id: data.callback_query.id });
  return { status: 200, contentType: 'application/json', body };
}

/** A forum topic is a conversation of its own inside its group. */
const threadKeyOf = (message: Pick<Message, 'chat' | 'is_topic_message' | 'message_thread_id'>): string =>
  message.is_topic_message && message.message_thread_id !== undefined
    ? `${message.chat.id}:${message.message_thread_id}`
    : String(message.chat.id);

/** Message ids are unique inside a chat only. */
export const messageIdOf = (chatId: number | string, messageId: number): string => `${chatId}/${messageId}`;

const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** The customer who wrote; undefined for bots (ours too), channels and the group's own notices. */
function authorOf(message: Message, credentials: TelegramCredentials): User | undefined {
  const { from } = message;
  if (!from || from.is_bot || message.is_automatic_forward || message.chat.type === 'channel') return undefined;
  return String(from.id) === botIdOf(credentials) ? undefined : from;
}

function senderOf(user: User): Sender {
  const name = [user.first_name, user.last_name].filter(Boolean).join(' ').trim();
  return {
    externalId: String(user.id),
    ...(name === '' ? {} : { name }),
    ...(user.username === undefined ? {} : { username: user.username }),
    ...(user.language_code === undefined ? {} : { language: user.language_code }),
  };
}

function fromMessage(message: Message, platformId: string, credentials: TelegramCredentials): Inbound | undefined {
  const moved = fromMigration(message, platformId);
  if (moved) return moved;
  const author = authorOf(message, credentials);
  const content = contentOf(message);
  if (!author || !content) return undefined;
  const sender = senderOf(author);
  // Somebody's own card, shared by that person, is a number Telegram vouches for; a friend's card is only text.
  if (message.contact?.user_id === author.id) sender.phone = message.contact.phone_number;
  const payload = content.action === 'start' ? content.text.split(/\s+/)[1] : undefined;
  if (payload) sender.metadata = { startPayload: payload.slice(0, MAX_START) };
  return {
    kind: 'message',
    platformId,
    threadKey: threadKeyOf(message),
    at: timeOf(message.date),
    sender,
    messageId: messageIdOf(message.chat.id, message.message_id),
    ...content,
    ...(payload ? { details: { start: payload.slice(0, MAX_START) } } : {}),
    ...(message.media_group_id === undefined ? {} : { groupId: `${message.chat.id}/${message.media_group_id}` }),
    ...quoteOf(message),
    ...(message.reply_to_message && !isTopicRoot(message)
      ? { replyToMessageId: messageIdOf(message.chat.id, message.reply_to_message.message_id) }
      : {}),
  };
}

/** Telegram allows 64 characters of a deep link; who types one may write more. */
const MAX_START = 64;
const MAX_QUOTE = 1_000;

function quoteOf(message: Message): Pick<InboundMessage, 'quote'> {
  const { reply_to_message: answered, quote } = message;
  if (!answered || isTopicRoot(message)) return {};
  const text = (quote?.text ?? answered.text ?? answered.caption ?? '').slice(0, MAX_QUOTE).toWellFormed();
  if (text === '') return {};
  const author = answered.from ? (answered.from.is_bot ? 'bot' : 'contact') : null;
  return { quote: { text, author, isPart: quote?.is_manual === true } };
}

/** A group that became a supergroup is told in both; whichever is read first moves the thread. */
function fromMigration({ chat, date, ...message }: Message, platformId: string): Inbound | undefined {
  const from = message.migrate_from_chat_id ?? chat.id;
  const to = message.migrate_to_chat_id ?? chat.id;
  if (from === to) return undefined;
  const threadKey = String(from);
  const sender = { externalId: threadKey };
  return { kind: 'moved', platformId, threadKey, at: timeOf(date), sender, toThreadKey: String(to) };
}

/** In a forum every message "replies" to the notice that opened its topic. */
const isTopicRoot = (message: Message): boolean =>
  message.is_topic_message === true && message.reply_to_message?.message_id === message.message_thread_id;

function fromEdit(message: Message, platformId: string, credentials: TelegramCredentials): Inbound | undefined {
  const author = authorOf(message, credentials);
  // A live location moves by edits without text: nothing was said anew.
  if (!author || (message.text === undefined && message.caption === undefined)) return undefined;
  return {
    kind: 'edit',
    platformId,
    threadKey: threadKeyOf(message),
    at: timeOf(message.edit_date ?? message.date),
    sender: senderOf(author),
    messageId: messageIdOf(message.chat.id, message.message_id),
    text: textOf(message),
  };
}

const REACHABLE: Record<string, boolean> = {
  member: true,
  administrator: true,
  creator: true,
  kicked: false,
  left: false,
};

function fromMemberChange(change: MemberChange, platformId: string): Inbound | undefined {
  const reachable = REACHABLE[change.new_chat_member.status];
  if (reachable === undefined || change.from.is_bot || change.chat.type === 'channel') return undefined;
  return {
    kind: 'reachability',
    platformId,
    threadKey: String(change.chat.id),
    at: timeOf(change.date),
    sender: senderOf(change.from),
    reachable,
  };
}

function fromCallback(pressed: CallbackQuery, platformId: string): Inbound | undefined {
  if (!pressed.message || pressed.data === undefined || pressed.from.is_bot) return undefined;
  const { chat, message_id: messageId, date, reply_markup: markup } = pressed.message;
  const button = markup?.inline_keyboard.flat().find(({ callback_data: data }) => data === pressed.data);
  return {
    kind: 'message',
    platformId,
    threadKey: threadKeyOf(pressed.message),
    // A press has no time of its own; that of the message it stands under is the nearest Telegram tells.
    at: timeOf(date ?? 0),
    timeless: true,
    sender: senderOf(pressed.from),
    messageId: `callback:${pressed.id}`,
    replyToMessageId: messageIdOf(chat.id, messageId),
    type: 'interactive',
    // What was read on the button is what was said.
    text: button?.text ?? pressed.data,
    media: [],
    ...(pressed.data === 'request_agent' || pressed.data === 'ask_differently' ? { action: pressed.data } : {}),
  };
}

/** Of several the first; a picture of Telegram's own in place of an emoji is one nobody else can show. */
function fromReaction(change: ReactionChange, platformId: string): Inbound | undefined {
  if (!change.user || change.user.is_bot) return undefined;
  return {
    kind: 'reaction',
    platformId,
    threadKey: String(change.chat.id),
    at: timeOf(change.date),
    sender: senderOf(change.user),
    messageId: messageIdOf(change.chat.id, change.message_id),
    emoji: change.new_reaction.find(({ emoji }) => emoji !== undefined)?.emoji ?? null,
  };
}

/** Undefined for kinds a conversation has no use for: polls, dice, pins, joins, … */
function contentOf(message: Message): Content | undefined {
  const text = textOf(message);
  const [media] = mediaOf(message);
  if (media) {
    const details = message.sticker ? { details: { sticker: true } } : {};
    return { type: media.kind, text: (text || message.sticker?.emoji) ?? '', media: [media], ...details };
  }
  const place = message.venue?.location ?? message.location;
  if (place) {
    const name = message.venue ? { name: message.venue.title } : {};
    return { type: 'location', text: '', media: [], location: { ...place, ...name } };
  }
  if (message.contact) {
    const { first_name: first, last_name: last, phone_number: phone } = message.contact;
    const card = `${[first, last].filter(Boolean).join(' ')}\n${phone}`;
    return { type: 'contact', text: card, media: [] };
  }
  if (message.text === undefined || text === '') return undefined;
  const start = /^\/start(?:@\w+)?(?:\s|$)/.test(text) && message.chat.type === 'private';
  return { type: 'text', text, media: [], ...(start ? { action: 'start' as const } : {}) };
}

/** The words, with the address of a link whose words hide it. */
function textOf(message: Message): string {
  const [text, entities] =
    message.text === undefined ? [message.caption ?? '', message.caption_entities] : [message.text, message.entities];
  return withAddresses(text, entities ?? []);
}

function withAddresses(text: string, entities: Entity[]): string {
  let result = '';
  let at = 0;
  const links = entities.filter((entity) => entity.type === 'text_link' && entity.url !== undefined);
  for (const { offset, length, url } of links.sort((a, b) => a.offset - b.offset)) {
    const end = offset + length;
    if (end < at || end > text.length || text.slice(offset, end) === url) continue;
    result += `${text.slice(at, end)} (${url})`;
    at = end;
  }
  // Offsets that cut a pair in half would leave what the database refuses.
  return (result + text.slice(at)).toWellFormed();
}

/** At most one file a message: an album is several messages with the same group. */
function mediaOf(message: Message): MediaReference[] {
  const { photo, animation, voice, audio, video, video_note: round, sticker, document } = message;
  const largest = photo?.reduce<(File & { width: number; height: number }) | undefined>(
    (best, size) => (!best || size.width * size.height > best.width * best.height ? size : best),
    undefined,
  );
  if (largest) return [reference('image', largest, 'image/jpeg')];
  // An animation also fills `document`, for older clients: it is looked at first.
  if (animation) return [reference('video', animation, 'video/mp4')];
  if (voice) return [reference('audio', voice, 'audio/ogg')];
  if (audio) return [reference('audio', audio)];
  if (video) return [reference('video', video)];
  if (round) return [reference('video', round, 'video/mp4')];
  if (sticker?.is_video) return [reference('video', sticker, 'video/webm')];
  if (sticker?.is_animated) return [reference('document', sticker, 'application/x-tgsticker')];
  if (sticker) return [reference('image', sticker, 'image/webp')];
  return document ? [reference('document', document)] : [];
}

function reference(kind: MediaReference['kind'], file: File, mime?: string): MediaReference {
  const type = file.mime_type ?? mime;
  return {
    kind,
    reference: file.file_id,
    ...(file.file_name === undefined ? {} : { name: file.file_name }),
    ...(type === undefined ? {} : { mime: type }),
    ...(file.file_size === undefined ? {} : { size: file.file_size }),
  };
}
