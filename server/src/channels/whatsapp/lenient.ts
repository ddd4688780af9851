/** Reading what is not quite as it is documented: one odd field costs that field, not the whole item. */
import type { z } from 'zod';

/** `odd` names the first field that was left out. */
type Read<T> = { data?: T; odd?: string };

const ROUNDS = 20;

/** Leaves out what the schema refuses, the smallest part that helps. Without `data` where nothing helps. */
export function readLeniently<T>(item: unknown, schema: z.ZodType<T>): Read<T> {
  const first = schema.safeParse(item);
  if (first.success) return { data: first.data };
  const odd = first.error.issues[0]?.path.join('.') ?? '';
  const rest = structuredClone(item);
  let { issues } = first.error;
  for (let round = 0; round < ROUNDS; round += 1) {
    const parts = new Map(issues.map(({ path }) => partOf(rest, path)).map((part) => [part.join('\n'), part]));
    // From the back, so that places in a list stay what they were.
    for (const part of [...parts.values()].toReversed()) if (!leaveOut(rest, part)) return { odd };
    const again = schema.safeParse(rest);
    if (again.success) return { data: again.data, odd };
    ({ issues } = again.error);
  }
  return { odd };
}

/** What stands at the path; where nothing does, what should have held it. */
function partOf(item: unknown, path: readonly PropertyKey[]): readonly PropertyKey[] {
  let depth = path.length;
  while (depth > 0 && path.slice(0, depth).reduce<unknown>(step, item) === undefined) depth -= 1;
  return path.slice(0, depth);
}

/** False when that would be the item itself. */
function leaveOut(item: unknown, part: readonly PropertyKey[]): boolean {
  const key = part.at(-1);
  if (key === undefined) return false;
  const holder = part.slice(0, -1).reduce<unknown>(step, item);
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (typeof holder === 'object' && holder !== null) Reflect.deleteProperty(holder, key);
  return true;
}

const step = (holder: unknown, key: PropertyKey): unknown =>
  typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key) ? Reflect.get(holder, key) : undefined;

/** Null means absent, at any depth. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((each) => each !== null).map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)]])),
  );
}
