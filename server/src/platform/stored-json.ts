import { cleanText } from '@parley/contract';

/**
 * A value as JSON the database takes. A jsonb column refuses NUL and half surrogate pairs, and both come from places we
 * do not choose: a model's reply, a quote that was cut in the middle of an emoji.
 */
export const storedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? cleanText(inner) : inner));
