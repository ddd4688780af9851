/** The parts of a Telegram update Parley reads (Bot API 10.1). Everything else in it is let through unread. */
import { z } from 'zod';

const text = z.string();
const whole = z.number().int().safe();
/** seconds since 1970; the bound keeps a date inside what a timestamp can hold */
const date = whole.min(0).max(253_402_300_799);

export const user = z.object({
  id: whole,
  is_bot: z.boolean(),
  first_name: text,
  last_name: text.optional(),
  username: text.optional(),
  language_code: text.optional(),
});
export type User = z.infer<typeof user>;

const chat = z.object({ id: whole, type: text, title: text.optional() });

const file = z.object({
  file_id: text.min(1),
  file_size: whole.min(0).optional(),
  mime_type: text.optional(),
  file_name: text.optional(),
});
export type File = z.infer<typeof file>;

const location = z.object({ latitude: z.number(), longitude: z.number() });
const entity = z.object({ type: text, offset: whole.min(0), length: whole.min(0), url: text.optional() });
export type Entity = z.infer<typeof entity>;

export const message = z.object({
  message_id: whole,
  message_thread_id: whole.optional(),
  is_topic_message: z.boolean().optional(),
  is_automatic_forward: z.boolean().optional(),
  from: user.optional(),
  date,
  edit_date: date.optional(),
  chat,
  reply_to_message: z
    .object({ message_id: whole, from: user.optional(), text: text.optional(), caption: text.optional() })
    .optional(),
  /** the part of it that was chosen by hand, or by Telegram when it is long */
  quote: z.object({ text, is_manual: z.boolean().optional() }).optional(),
  migrate_to_chat_id: whole.optional(),
  migrate_from_chat_id: whole.optional(),
  media_group_id: text.optional(),
  text: text.optional(),
  entities: z.array(entity).optional(),
  caption: text.optional(),
  caption_entities: z.array(entity).optional(),
  photo: z.array(file.extend({ width: z.number(), height: z.number() })).optional(),
  animation: file.optional(),
  document: file.optional(),
  audio: file.optional(),
  voice: file.optional(),
  video: file.optional(),
  video_note: file.optional(),
  sticker: file
    .extend({ emoji: text.optional(), is_animated: z.boolean().optional(), is_video: z.boolean().optional() })
    .optional(),
  location: location.optional(),
  venue: z.object({ location, title: text }).optional(),
  contact: z
    .object({ phone_number: text, first_name: text, last_name: text.optional(), user_id: whole.optional() })
    .optional(),
});
export type Message = z.infer<typeof message>;

const memberChange = z.object({
  chat,
  from: user,
  date,
  new_chat_member: z.object({ status: text, user }),
});
export type MemberChange = z.infer<typeof memberChange>;

const callbackQuery = z.object({
  id: text.min(1),
  from: user,
  message: z
    .object({
      chat,
      message_id: whole,
      date: date.optional(),
      message_thread_id: whole.optional(),
      is_topic_message: z.boolean().optional(),
      reply_markup: z
        .object({ inline_keyboard: z.array(z.array(z.object({ text, callback_data: text.optional() }))).catch([]) })
        .optional()
        .catch(undefined),
    })
    .optional(),
  data: text.optional(),
});
export type CallbackQuery = z.infer<typeof callbackQuery>;

/** In private chats, and in groups where the bot is an administrator. */
const reactionChange = z.object({
  chat,
  message_id: whole,
  user: user.optional(),
  date,
  new_reaction: z.array(z.object({ type: text, emoji: text.optional() })),
});
export type ReactionChange = z.infer<typeof reactionChange>;

export const update = z.object({
  update_id: whole.min(0),
  message: message.optional(),
  edited_message: message.optional(),
  my_chat_member: memberChange.optional(),
  callback_query: callbackQuery.optional(),
  message_reaction: reactionChange.optional(),
});
export type Update = z.infer<typeof update>;
