import { z } from 'zod';

/** `botToken` from @BotFather; `secretToken` is ours, told to Telegram by setWebhook and repeated by it in every update. */
export const telegramCredentials = z.strictObject({
  botToken: z
    .string()
    .trim()
    .regex(/^\d{3,20}:[A-Za-z0-9_-]{20,100}$/, 'is the token @BotFather gave, like 123456789:AAF…')
    .meta({ title: 'Bot token', help: 'Create a bot with @BotFather and paste the token it gives you.', secret: true }),
  secretToken: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,256}$/, 'takes 1 to 256 of A-Z a-z 0-9 _ -')
    .meta({
      title: 'Secret token',
      help: 'Proves that updates come from Telegram. Leave it empty and Parley makes one.',
      secret: true,
    }),
});
export type TelegramCredentials = z.infer<typeof telegramCredentials>;

/** The bot's own user id stands before the colon of its token. */
export const botIdOf = (credentials: TelegramCredentials): string => credentials.botToken.split(':', 1)[0] ?? '';
