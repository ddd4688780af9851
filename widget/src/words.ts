import { waitInMinutes } from '@parley/contract/waits';
import type { WaitRange } from '@parley/contract/waits';

/**
 * The widget's own words where there are no others: in English. Those of the visitor's language come with the settings of
 * the inbox. `{x}` is filled in by `say`. Numbers, times and waits are worded by Intl.
 */
const english = {
  open: 'Open chat',
  close: 'Close chat',
  unread: '{n} unread',
  chat: 'Chat',
  write: 'Write a message',
  send: 'Send',
  attach: 'Attach a file',
  menu: 'More',
  mute: 'Turn sound off',
  unmute: 'Turn sound on',
  end: 'End conversation',
  forget: 'End chat and forget it on this device',
  fresh: 'Start a new conversation',
  offline: 'You are offline. What you write is sent when you are back.',
  reconnecting: 'Reconnecting. What you write is kept.',
  refused: 'The chat cannot be reached.',
  again: 'Try again',
  unsent: 'Not sent',
  discard: 'Delete',
  large: '{name} is larger than 25 MB. Choose a smaller file.',
  fileFailed: '{name} was not uploaded.',
  fileGone: '{name} cannot be opened now. Try again later.',
  source: 'Source: {n} {title}',
  back: 'Back to the conversation',
  page: 'Open the page',
  next: 'You are next',
  queue: 'You are {nth}',
  nth: '{n}',
  waiting: 'We are finding a person for you',
  about: 'about {time}',
  soon: 'less than a minute',
  withYou: '{name} is with you',
  agent: 'Support',
  bot: 'Assistant',
  you: 'You',
  typing: '{name} is typing',
  removed: 'Message deleted',
  edited: 'edited',
  reply: 'New reply',
  person: 'Talk to a person',
  resolved: 'This conversation is closed.',
  keep: 'You can close this, we keep your place.',
};

export type Word = keyof typeof english;

/** The catalogue's words in one language. */
export type Words = { language: string; words: Partial<Record<string, string>> };

const ordinal = (n: number): string =>
  `${n}${{ one: 'st', two: 'nd', few: 'rd' }[new Intl.PluralRules('en', { type: 'ordinal' }).select(n) as 'one'] ?? 'th'}`;
const rightToLeft = /^(ar|dv|fa|he|iw|ku|ps|sd|ug|ur|yi)\b/i;
/** Between the parts of a sentence, and between sentences. */
const marks: Record<string, [comma: string, stop: string]> = { ja: ['、', '。'], ar: ['، ', '. '] };

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export type Speech = ReturnType<typeof speak>;

/**
 * Speaks in the words that are given, else in English. Times follow the first wanted language that the browser knows,
 * direction the first wanted at all: a page in Hebrew reads from the right though our own words are English.
 */
export function speak(wanted: readonly string[], { language, words }: Words = { language: 'en', words: {} }) {
  // "en" alone would count hours the American way for everybody.
  const locale = wanted.find((each) => /^[a-z]{2}-[A-Z]{2}$/.test(each) && each.startsWith(language)) ?? language;
  const minutes = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'long' });
  const hours = new Intl.NumberFormat(language, { style: 'unit', unit: 'hour', unitDisplay: 'long' });
  const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
  const date = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const [comma, stop] = marks[language] ?? [', ', '. '];
  const say = (name: Word, values: Record<string, string | number> = {}): string =>
    fill(words[name] ?? english[name], values);

  const wait = (expected: WaitRange): string => {
    const range = waitInMinutes(expected);
    if (range === 'soon') return say('soon');
    const [from, to, unit] =
      range === 'long'
        ? [Math.max(1, Math.floor(expected.minSeconds / 3600)), Math.ceil(expected.maxSeconds / 3600), hours]
        : [range.from, range.to, minutes];
    return say('about', { time: from === to ? unit.format(to) : `${from}–${unit.format(to)}` });
  };

  return {
    language,
    direction: rightToLeft.test(wanted[0] ?? language) || rightToLeft.test(language) ? 'rtl' : 'ltr',
    say,
    time: (at: number): string => clock.format(at),
    /** "today", "yesterday", then the date */
    day(at: number, now: number): string {
      const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
      const text = days < 2 ? relative.format(-Math.max(days, 0), 'day') : date.format(at);
      return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
    },
    /** Where somebody stands in the queue, as a sentence. */
    queue(position: number | null, expected: WaitRange | null): string {
      const known = position !== null && position > 0;
      const nth = known ? (language === 'en' ? ordinal(position) : say('nth', { n: position })) : '';
      const place = known ? say(position === 1 ? 'next' : 'queue', { nth }) : say('waiting');
      return place + (known && expected !== null ? comma + wait(expected) : '') + stop + say('keep');
    },
  };
}
