/** One statement of the path of a message, or of a list, runs no longer; milliseconds. Embedded, nothing stops one (decision 28). */
export const STATEMENT_MS = { path: 5_000, read: 10_000 };

/** The database refuses it for its size, or did not get to its end in time: it will be so again. */
export type Limit = 'too big' | 'too long';

/** A statement that waited for a row somebody else has says so; that is no fault of its own. */
const WAITED = /\bwhile (locking|updating|deleting|inserting|rechecking)\b/;

const textOf = (error: object, name: string): string => {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
};

/** Which limit of the database an error speaks of, also inside of what wraps it. */
export function limitOf(error: unknown): Limit | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = textOf(error, 'code');
  if (code.startsWith('54')) return 'too big';
  if (code === '57014' && /statement timeout/.test(error.message))
    return WAITED.test(textOf(error, 'where')) ? undefined : 'too long';
  return limitOf(error.cause);
}

/**
 * How often what failed with this is tried, less than usual. What is too big is so at once. What took too long is tried a
 * second time, alone: the server may have stood still for everybody.
 */
export const triesOf = (error: unknown, usual: number): number => {
  const limit = limitOf(error);
  if (limit === undefined) return usual;
  return Math.min(usual, limit === 'too big' ? 1 : 2);
};
