import { MAX_IMPORT_VALUES, MAX_JSON_DEPTH, MAX_JSON_VALUES } from '@parley/contract';
import { tooComplex } from '../errors.ts';

/** `depth`: levels of objects and lists; `values`: keys and list items together. */
export type JsonLimits = { depth: number; values: number };

export const jsonLimits: JsonLimits = { depth: MAX_JSON_DEPTH, values: MAX_JSON_VALUES };
export const importLimits: JsonLimits = { depth: MAX_JSON_DEPTH, values: MAX_IMPORT_VALUES };

const tooDeep = ({ depth }: JsonLimits) => tooComplex(`The JSON is nested deeper than ${depth} levels.`);
const tooMuch = ({ values }: JsonLimits) => tooComplex(`The JSON has more than ${values} keys and list items.`);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The place behind the string that begins at `start`. */
function skipString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

/**
 * Looks at JSON before it is parsed: an object of a million keys costs most while it is made and checked. Whether it is
 * JSON at all is for the parser to say.
 *
 * @throws json_too_complex
 */
export function assertModestText(text: string, limits: JsonLimits): void {
  const isList: boolean[] = [];
  let values = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
      continue;
    }
    at++;
    // { or [
    if (code === 0x7b || code === 0x5b) {
      if (isList.push(code === 0x5b) > limits.depth) throw tooDeep(limits);
      if (code === 0x5b) values++;
    }
    // } or ]
    else if (code === 0x7d || code === 0x5d) isList.pop();
    // : or , between the items of a list
    else if (code === 0x3a || (code === 0x2c && isList.at(-1))) values++;
    if (values > limits.values) throw tooMuch(limits);
  }
}

/** The same for what was parsed already: the payload of a socket event. @throws json_too_complex */
export function assertModestValue(value: unknown, limits: JsonLimits): void {
  let values = 0;
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > limits.depth) throw tooDeep(limits);
    const next: object[] = [];
    for (const one of level) {
      // Bytes are no list of numbers.
      if (ArrayBuffer.isView(one)) continue;
      for (const inner of Object.values(one)) {
        if (++values > limits.values) throw tooMuch(limits);
        if (isObject(inner)) next.push(inner);
      }
    }
    level = next;
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
