import { z } from 'zod';

const digits = z
  .string()
  .trim()
  .regex(/^\d{3,25}$/, 'is a number of digits, as the API set-up page shows it');
const secret = z.string().trim().min(8).max(1000);

/** `verifyToken` is ours: typed into the app's webhook form, and repeated by Meta when it shakes hands. */
export const whatsappCredentials = z.strictObject({
  phoneNumberId: digits.meta({
    title: 'Phone number ID',
    help: 'In the Meta app under WhatsApp, API setup. It is not the number itself.',
  }),
  accessToken: secret.meta({
    title: 'Access token',
    help: 'Of a system user with whatsapp_business_messaging and whatsapp_business_management. Those of the set-up page end after a day.',
    secret: true,
  }),
  appSecret: secret.meta({
    title: 'App secret',
    help: 'In the Meta app under App settings, Basic. Proves that events come from Meta.',
    secret: true,
  }),
  verifyToken: z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,256}$/, 'takes 8 to 256 of A-Z a-z 0-9 _ -')
    .meta({
      title: 'Verify token',
      help: 'You type it into the webhook form at Meta. Leave it empty and Parley makes one.',
      secret: true,
    }),
  businessAccountId: digits.optional().meta({
    title: 'Business account ID',
    help: 'On the same page as the phone number ID. Needed for templates.',
  }),
});
export type WhatsappCredentials = z.infer<typeof whatsappCredentials>;
