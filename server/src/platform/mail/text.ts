/**
 * What a header may carry: one line, without control characters, and without those that turn the direction of the text around, by
 * which a name could show something else than it is.
 */
export const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();

const ADDRESS = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$/i;

/** One plain address, and nothing that a mail server or a header could read as two. */
export const isMailAddress = (text: string): boolean => text.length <= 254 && ADDRESS.test(text);

/** `Parley <no-reply@example.com>` or the address alone. */
export function readSender(text: string): { name: string; address: string } {
  const [, name = '', address = text] = /^([^<]*)<([^>]+)>$/.exec(text.trim()) ?? [];
  return { name: oneLine(name.replace(/^\s*"|"\s*$/g, '')), address: address.trim() };
}
