import { cleanText } from '@parley/contract';
import { badRequest } from '../platform/errors.ts';
import { assertModestText, importLimits } from '../platform/limits/json-limits.ts';

/**
 * A body as JSON. NUL and half surrogates have no place in the database, wherever in an event they stand, and are taken out
 * here. JSON has both as escapes alone, so that most bodies are spared the look at every value.
 *
 * @throws badRequest, also for what is nested too deep or has too many values
 */
export function readJson(body: Buffer, what: string): unknown {
  try {
    const text = body.toString('utf8');
    assertModestText(text, importLimits);
    if (!/\\u(?:0000|d[89a-f])/i.test(text)) return JSON.parse(text);
    return JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? cleanText(value) : value));
  } catch {
    throw badRequest(`This is not ${what}: the body is not JSON, or nested too deep.`);
  }
}
