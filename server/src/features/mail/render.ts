import type { MailTemplate } from '@parley/contract';
import { oneLine } from '../../platform/mail/index.ts';
import { composeHtml } from './html.ts';
import { knownLanguage } from './policy.ts';
import { mailTexts } from './texts/index.ts';

/** What a template is filled with. `link` is where its action leads, `name` whom it greets; `time` is ISO 8601. */
export type MailValues = Record<string, string>;

export type RenderedMail = { subject: string; text: string; html: string; link: string | null };

const LONGEST_VALUE = 100;
const LONGEST_SUBJECT = 150;

/**
 * A value is somebody's own text: one line, not long, and no mail program makes a link of it. The word joiner behind each dot is
 * not seen.
 */
const plain = (value: string): string =>
  Array.from(oneLine(value))
    .slice(0, LONGEST_VALUE)
    .join('')
    .replace(/:\/\//g, ':\u2060/\u2060/')
    .replace(/\.(?=[\p{L}\p{N}])/gu, '.\u2060');

/** Values nobody else wrote. */
const OURS: ReadonlySet<string> = new Set(['device', 'place']);

const timeIn = (language: string, iso: string): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(iso)) +
  ' UTC';

export function renderMail(
  mail: { template: MailTemplate; language: string; to: string; values: MailValues },
  publicUrl: string,
): RenderedMail {
  const language = knownLanguage(mail.language);
  const texts = mailTexts[language] ?? mailTexts.en;
  if (!texts) throw new Error('mails have no texts');
  const { subject, before, action, after = [] } = texts.mails[mail.template];
  const { link, name, time, ...values } = mail.values;
  const filled: Record<string, string> = {
    device: texts.unknownDevice,
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [key, OURS.has(key) ? value : plain(value)])),
    ...(time ? { time: timeIn(language, time) } : {}),
    ...(name ? { name: plain(name) } : {}),
    // Addresses are checked before they are stored.
    address: mail.to,
    host: new URL(publicUrl).host,
  };
  const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (_, key: string) => filled[key] ?? '');
  const paragraphs = {
    greeting: name ? fill(texts.greeting) : null,
    before: before.map(fill),
    after: after.map(fill),
    footer: fill(texts.footer),
  };
  const button = action && link ? { label: fill(action), link, hint: texts.linkHint } : null;
  const lines = [
    ...(paragraphs.greeting ? [paragraphs.greeting] : []),
    ...paragraphs.before,
    ...(button ? [`${button.label}:\n${button.link}`] : []),
    ...paragraphs.after,
    `-- \n${paragraphs.footer}`,
  ];
  const title = Array.from(oneLine(fill(subject)))
    .slice(0, LONGEST_SUBJECT)
    .join('');
  return {
    // No program makes links in a subject.
    subject: title.replaceAll('\u2060', ''),
    text: `${lines.join('\n\n')}\n`,
    html: composeHtml({ ...paragraphs, language, title, button }),
    link: button?.link ?? null,
  };
}
