import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One thing of a noun in somebody's workspace, which nobody else may find. */
export type WalkExample = {
  /** what stands before its id in an address: `labels` of /labels/{id} */
  segment: string;
  /** Makes one, with `mark` in its texts; resolves to its id. */
  make(post: <T>(path: string, body: unknown) => Promise<T>, mark: string): Promise<string>;
};

const FEATURES = new URL('../../features/', import.meta.url);

/** Those the features bring along, in `test-example.ts`. */
export const examples: WalkExample[] = await Promise.all(
  readdirSync(fileURLToPath(FEATURES), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('test-example.ts'))
    .map(async (file) => {
      const { example } = (await import(new URL(file, FEATURES).href)) as { example: WalkExample };
      return example;
    }),
);
