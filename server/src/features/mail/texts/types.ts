import type { MailTemplate } from '@parley/contract';

/**
 * What one mail says, in one language. `{name}` stands for a value of it. Paragraphs before the link, its words, and those after.
 * Text and HTML are made of the same.
 */
export type MailText = { subject: string; before: string[]; action?: string; after?: string[] };

export type MailTexts = {
  greeting: string;
  /** under every mail */
  footer: string;
  /** before the bare address of the link in HTML, for whoever cannot press it */
  linkHint: string;
  unknownDevice: string;
  mails: Record<MailTemplate, MailText>;
};
