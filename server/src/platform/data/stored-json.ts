import { cleanText } from '@parley/contract';

/**
 * A value as JSON the database takes. A jsonb column refuses NUL and half surrogate pairs, and both come from places we
 * do not choose: a model's reply, a quote that was cut in the middle of an emoji.
 */
export const storedJson = (value: unknown): string => {
  const text = JSON.stringify(value);
  // Such characters stand escaped in it. Without one there is nothing to clean, and looking at every value costs most.
  if (!/\\u(?:0000|d[89a-f])/i.test(text)) return text;
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? cleanText(inner) : inner));
};
