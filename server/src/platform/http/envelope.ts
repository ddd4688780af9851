import type { CountedCursorMeta, CursorMeta, PageMeta } from '@parley/contract';

/** `{ success: true, data }` of one thing. */
export const ok = <T>(data: T) => ({ success: true as const, data });

/** A list read by `?page=&limit=`; `meta.total` counts all of it. */
export const page = <T>(data: T[], meta: PageMeta) => ({ success: true as const, data, meta });

/** A list read by `?cursor=&limit=`; `nextCursor` null at the end. */
export const cursor = <T>(data: T[], nextCursor: string | null): { success: true; data: T[]; meta: CursorMeta } => ({
  success: true,
  data,
  meta: { nextCursor },
});

/** The same of a list that says how long it is. */
export const countedCursor = <T>(data: T[], meta: CountedCursorMeta) => ({ success: true as const, data, meta });

/** The answer of a call that has nothing to tell but that it is done. */
export const done = () => ok({ done: true as const });
