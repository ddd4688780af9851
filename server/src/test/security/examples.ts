import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestSocket } from '../app.ts';

/**
 * What a request can name by id. A noun adds its own kinds by `declare module` in its `test-example.ts`, and says there how one is
 * made; there is no list of all.
 */
export interface Kinds {}
export type Kind = keyof Kinds;

/** A company that is being filled. */
export type Making = {
  /** stands in every text that is written for it */
  mark: string;
  /** where its server is */
  url: string;
  /** As a person of it. @throws when it is refused */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  /** The id of another thing of it, which is made when it is first asked for. */
  id(kind: Kind): Promise<string>;
  /** Its one visitor, in a chat of their own. */
  visitor(): Promise<{ socket: TestSocket; token: string; conversationId: string }>;
};

/** What the walks have to know of a noun, of which nobody else may find anything. */
export type WalkExample = {
  /** Makes one of each kind, with `mark` in its texts; resolves to its id. */
  make?: Partial<Record<Kind, (making: Making) => Promise<string>>>;
  /** what an id in an address is of, by what stands before it: `labels` of /labels/{id}, or `auth/labels` where that is another */
  segments?: Record<string, Kind>;
  /** what an id in a body or a query is of, by its field */
  fields?: Record<string, Kind>;
  /** `METHOD /path` of what answers right after another call alone, and so not to a walk; a test of its own tries it */
  momentary?: readonly string[];
  /** by what stands before it: a name that is nobody's id */
  names?: Record<string, string>;
};

const FEATURES = new URL('../../features/', import.meta.url);

/** Those the features bring along, in `test-example.ts`. */
const examples: WalkExample[] = await Promise.all(
  readdirSync(fileURLToPath(FEATURES), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('test-example.ts'))
    .sort()
    .map(async (file) => {
      const { example } = (await import(new URL(file, FEATURES).href)) as { example: WalkExample };
      return example;
    }),
);

/** All of one part of them. A key that two nouns have is an error in one of them. */
function together<T>(part: string, of: (example: WalkExample) => Record<string, T> | undefined): Map<string, T> {
  const all = new Map<string, T>();
  for (const example of examples)
    for (const [key, value] of Object.entries(of(example) ?? {})) {
      if (all.has(key)) throw new Error(`${key} stands in \`${part}\` of two test-example.ts`);
      all.set(key, value);
    }
  return all;
}

export const makers = together('make', ({ make }) => make) as Map<Kind, (making: Making) => Promise<string>>;
export const segments = together('segments', (example) => example.segments);
export const fields = together('fields', (example) => example.fields);
export const momentary = new Set(examples.flatMap((example) => example.momentary ?? []));
export const names = together('names', (example) => example.names);
