import type { RenderedMail } from './render.ts';

/** A mail that no server sends, for whoever reads the log. */
export const announce = (
  to: string,
  { subject, text, link }: Pick<RenderedMail, 'subject' | 'text' | 'link'>,
): string =>
  [
    '',
    `  Mail to ${to}: ${subject}`,
    ...(link
      ? [`  ${link}`]
      : text
          .trim()
          .split('\n')
          .map((line) => `  ${line}`)),
    '  Printed here because MAIL_URL is not set.',
    '',
    '',
  ].join('\n');
