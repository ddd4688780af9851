import { z } from 'zod';
import { defineSettings } from '../config/define.ts';
import { addressOf } from '../config/schemas.ts';

export const mailSettings = defineSettings({
  MAIL_URL: {
    schema: addressOf(['smtp:', 'smtps:']),
    group: 'mail',
    description:
      'The SMTP server for mail of Parley itself, such as invitations and links for a new password: smtp:// (with STARTTLS, port 587) or smtps:// (port 465).',
    unset: 'no mail; with the embedded database it is printed in the log',
    example: 'smtps://user:password@mail.example.com',
    secret: true,
  },
  MAIL_FROM: {
    schema: z
      .string()
      .regex(/^[^\r\n<>]{0,100}<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/)
      .describe('takes an email address, or a name and <an email address>'),
    group: 'mail',
    description: 'Its sender.',
    unset: 'no-reply at the host of PUBLIC_URL',
    example: 'Parley <no-reply@example.com>',
  },
});
