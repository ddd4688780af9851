/** Parley's words in WhatsApp's dialect: at most 4096 characters a message, marks of its own, files by kind. */
import type { Attachment } from '@parley/contract';
import type { OutboundMessage, Part } from '../contract.ts';
import { richTextOf } from '../markdown.ts';
import { cut, split, type RichText, type SpanType } from '../rich-text.ts';
import { readableSources } from '../sources.ts';

export const TEXT_LIMIT = 4096;
/** Of a message with buttons, and of a button. */
const INTERACTIVE_LIMIT = 1024;
const BUTTON_LIMIT = 20;

const MB = 1024 * 1024;
/** What WhatsApp shows as such; everything else goes as a document, WebP pictures among it. */
const SHOWN: { type: 'image' | 'audio' | 'video'; mimes: RegExp; limit: number }[] = [
  { type: 'image', mimes: /^image\/(jpeg|png)$/, limit: 5 * MB },
  { type: 'audio', mimes: /^audio\/(aac|amr|mpeg|mp4|ogg|opus)\b/, limit: 16 * MB },
  { type: 'video', mimes: /^video\/(mp4|3gpp)$/, limit: 16 * MB },
];

export function render(message: OutboundMessage): Part[] {
  const { template } = message;
  if (template)
    return [{ ordinal: 0, method: 'messages', body: { type: 'template', template: templateBody(template) } }];
  const texts = fitting(richTextOf(message), TEXT_LIMIT);
  const sources = readableSources(message.citations).map(({ number, title, url }) => `[${number}] ${title}: ${url}`);
  while (sources.join('\n').length > TEXT_LIMIT) sources.pop();
  if (sources.length > 0) {
    const block = sources.join('\n');
    const last = texts.at(-1);
    if (last !== undefined && last.length + 2 + block.length <= TEXT_LIMIT)
      texts[texts.length - 1] = `${last}\n\n${block}`;
    else texts.push(block);
  }
  const { choices = [] } = message;
  // Long words go before, and the buttons stand under the last of them.
  const asked = choices.length > 0 ? texts.pop() : undefined;
  const buttons = asked === undefined ? [] : withButtons(asked, choices);
  return [
    // A preview would make WhatsApp fetch an address a model wrote, before anybody chose to open it.
    ...texts.map((body) => ({ method: 'messages', body: { type: 'text', text: { body, preview_url: false } } })),
    ...buttons,
    ...message.attachments.map((attachment) => ({
      method: 'messages',
      body: { type: typeOf(attachment) },
      attachment,
    })),
  ].map((part, ordinal) => ({ ordinal, ...part }));
}

/** Marks and addresses are written after the cut and take room, too: what does not fit with them is cut smaller. */
function fitting(rich: RichText, limit: number): string[] {
  return split(rich, limit).flatMap((part) => {
    const text = toMarks(part);
    if (text.length <= TEXT_LIMIT) return [text];
    // Not even a few words with their address: the words matter more.
    return part.text.length <= LEAST_PART ? [part.text] : fitting(part, Math.ceil(part.text.length / 2));
  });
}
const LEAST_PART = 200;
function withButtons(text: string, choices: NonNullable<OutboundMessage['choices']>): Omit<Part, 'ordinal'>[] {
  const fits = text.length <= INTERACTIVE_LIMIT;
  const buttons = choices.map(({ id, text: label }) => ({
    type: 'reply',
    reply: { id, title: label.length > BUTTON_LIMIT ? `${label.slice(0, BUTTON_LIMIT - 1).trimEnd()}…` : label },
  }));
  const body = { text: fits ? text : '⬆' };
  return [
    ...(fits ? [] : [{ method: 'messages', body: { type: 'text', text: { body: text, preview_url: false } } }]),
    {
      method: 'messages',
      body: { type: 'interactive', interactive: { type: 'button', body, action: { buttons } } },
    },
  ];
}

const typeOf = ({ mime, size }: Attachment): string =>
  SHOWN.find(({ mimes, limit }) => mimes.test(mime) && size <= limit)?.type ?? 'document';

/** Numbered variables go by place, named ones by name. */
function templateBody({
  name,
  language,
  variables,
}: NonNullable<OutboundMessage['template']>): Record<string, unknown> {
  const names = Object.keys(variables);
  const isNumbered = names.every((each) => /^\d+$/.test(each));
  const ordered = isNumbered ? names.sort((one, other) => Number(one) - Number(other)) : names;
  const parameters = ordered.map((each) => ({
    type: 'text',
    ...(isNumbered ? {} : { parameter_name: each }),
    text: variables[each],
  }));
  return {
    name,
    language: { code: language },
    ...(parameters.length > 0 ? { components: [{ type: 'body', parameters }] } : {}),
  };
}

const MARKS: Partial<Record<SpanType, string>> = { bold: '*', italic: '_', strikethrough: '~', code: '`', pre: '```' };

/** WhatsApp's marks around spans, those of words line by line; a link shows its address, since it cannot hide one behind words. */
export function toMarks(rich: RichText): string {
  const marks: { at: number; text: string; closes: boolean; length: number }[] = [];
  for (const span of rich.spans) {
    const { start, end, type, url } = span;
    if (type === 'link') {
      const shown = rich.text.slice(start, end);
      if (url && url !== shown) marks.push({ at: end, text: ` (${url})`, closes: true, length: end - start });
      continue;
    }
    for (const line of type === 'pre' ? [{ start, end }] : linesOf(rich, start, end)) {
      const length = line.end - line.start;
      if (type === 'blockquote') {
        marks.push({ at: line.start, text: '> ', closes: false, length: Infinity });
        continue;
      }
      const mark = MARKS[type];
      // A mark that touches a blank inside is not read as one.
      if (!mark || /^\s|\s$|^$/.test(rich.text.slice(line.start, line.end))) continue;
      marks.push({ at: line.start, text: mark, closes: false, length });
      marks.push({ at: line.end, text: mark, closes: true, length });
    }
  }
  // Inner spans close first and open last.
  marks.sort(
    (a, b) =>
      a.at - b.at || Number(b.closes) - Number(a.closes) || (a.closes ? a.length - b.length : b.length - a.length),
  );
  let text = '';
  let at = 0;
  for (const mark of marks) {
    text += rich.text.slice(at, mark.at) + mark.text;
    at = mark.at;
  }
  return text + rich.text.slice(at);
}

function linesOf(rich: RichText, start: number, end: number): { start: number; end: number }[] {
  let at = start;
  return cut(rich, start, end)
    .text.split('\n')
    .map((line) => {
      const from = at;
      at += line.length + 1;
      return { start: from, end: from + line.length };
    });
}
