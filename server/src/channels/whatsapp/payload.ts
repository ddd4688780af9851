/** The parts of a WhatsApp webhook Parley reads (Graph API v25.0). Everything else in it is let through unread. */
import { z } from 'zod';

/** Numbers come as texts at times, and texts as numbers. */
const text = z.union([z.string(), z.number().transform(String)]);
const name = text.pipe(z.string().min(1));
const number = z.union([
  z.number(),
  z
    .string()
    .trim()
    .regex(/^-?\d{1,15}(\.\d{1,20})?$/)
    .transform(Number),
]);
const whole = number.pipe(z.int());
/** seconds since 1970, as text; the bound keeps a date inside what a timestamp can hold */
const seconds = z
  .union([z.string().regex(/^\d{1,12}$/), z.int().min(0)])
  .transform(Number)
  .pipe(z.int().max(253_402_300_799));

const file = z.object({
  id: name,
  mime_type: text.optional(),
  filename: text.optional(),
  caption: text.optional(),
  file_size: whole.pipe(z.int().min(0)).optional(),
});

const problem = z.object({
  code: whole,
  title: text.optional(),
  message: text.optional(),
  error_data: z.object({ details: text.optional() }).optional(),
});
export type Problem = z.infer<typeof problem>;

export const contact = z.object({
  wa_id: text.optional(),
  user_id: text.optional(),
  profile: z.object({ name: text.optional(), username: text.optional() }).optional(),
});
export type Contact = z.infer<typeof contact>;

const sharedContact = z.object({
  name: z
    .object({ formatted_name: text.optional(), first_name: text.optional(), last_name: text.optional() })
    .optional(),
  phones: z.array(z.object({ phone: text.optional() })).optional(),
  emails: z.array(z.object({ email: text.optional() })).optional(),
});

const content = z.object({
  type: text.default('unknown'),
  text: z.object({ body: text }).optional(),
  image: file.optional(),
  audio: file.optional(),
  video: file.optional(),
  document: file.optional(),
  sticker: file.optional(),
  location: z
    .object({ latitude: number, longitude: number, name: text.optional(), address: text.optional() })
    .optional(),
  contacts: z.array(sharedContact).optional(),
  button: z.object({ payload: text.optional(), text: text.optional() }).optional(),
  interactive: z
    .object({
      button_reply: z.object({ id: text, title: text }).optional(),
      list_reply: z.object({ id: text, title: text, description: text.optional() }).optional(),
      nfm_reply: z.object({ response_json: text.optional(), body: text.optional(), name: text.optional() }).optional(),
      call_permission_reply: z.object({ response: text }).optional(),
    })
    .optional(),
  order: z
    .object({
      catalog_id: text.optional(),
      text: text.optional(),
      product_items: z.array(
        z.object({
          product_retailer_id: text,
          quantity: number,
          item_price: number.optional(),
          currency: text.optional(),
        }),
      ),
    })
    .optional(),
});
export type Content = z.infer<typeof content>;

export const message = content.extend({
  id: name,
  timestamp: seconds.optional(),
  from: text.optional(),
  from_user_id: text.optional(),
  to: text.optional(),
  to_user_id: text.optional(),
  group_id: text.optional(),
  context: z.object({ id: text.optional() }).optional(),
  referral: z.record(z.string(), z.unknown()).optional(),
  reaction: z.object({ message_id: name, emoji: text.optional() }).optional(),
  edit: z.object({ original_message_id: name, message: content }).optional(),
  revoke: z.object({ original_message_id: name }).optional(),
  system: z
    .object({
      type: text.optional(),
      wa_id: text.optional(),
      user_id: text.optional(),
      previous_user_id: text.optional(),
    })
    .optional(),
  errors: z.array(problem).optional(),
  unsupported: z.object({ type: text.optional() }).optional(),
});
export type Message = z.infer<typeof message>;

export const status = z.object({
  id: name,
  status: text,
  timestamp: seconds.optional(),
  recipient_id: text.optional(),
  recipient_user_id: text.optional(),
  recipient_type: text.optional(),
  errors: z.array(problem).optional(),
});
export type Status = z.infer<typeof status>;

/** Items of a value are read one by one, each with its own fate. */
export const value = z.object({
  metadata: z.object({ phone_number_id: text.optional() }).optional(),
  contacts: z.array(z.unknown()).optional(),
  messages: z.array(z.unknown()).optional(),
  message_echoes: z.array(z.unknown()).optional(),
  statuses: z.array(z.unknown()).optional(),
});
export type Value = z.infer<typeof value>;

export const envelope = z.object({
  object: z.literal('whatsapp_business_account'),
  entry: z.array(z.object({ changes: z.array(z.object({ field: text, value: z.unknown() })).default([]) })),
});
