import type { Call } from '@parley/contract';
import type { QueryClient, QueryKey } from '@tanstack/vue-query';
import type { Item, ListCall } from './client.ts';
import type { Answer, AnyInput, Input } from './transport.ts';

/**
 * Under what an answer is kept: the path, then what fills it, then what is asked. A shorter key names all answers that
 * begin with it: `keyOf(botsApi.get)` is every bot.
 */
export function keyOf<C extends Call>(declared: C, input?: Partial<Input<C>>): QueryKey {
  const { params, query, body } = (input ?? {}) as AnyInput;
  const asked = query ?? body;
  if (asked !== undefined) return [declared.path, params ?? {}, asked];
  return params ? [declared.path, params] : [declared.path];
}

type Lists = unknown[] | { items: unknown[] } | { pages: { items: unknown[] }[] };

/** Every shape in which a list is kept: read whole, one page, or pages that follow each other. */
function changeItems(list: Lists, change: (item: unknown) => unknown): Lists {
  const over = (items: unknown[]) => items.map(change).filter((item) => item !== null);
  if (Array.isArray(list)) return over(list);
  if ('pages' in list) return { ...list, pages: list.pages.map((page) => ({ ...page, items: over(page.items) })) };
  return { ...list, items: over(list.items) };
}

/** Changes what is kept of the server's answers, and can take all of it back. */
export function editCache(client: QueryClient) {
  const before = new Map<string, [QueryKey, unknown]>();
  const edit = (key: QueryKey, change: (known: unknown) => unknown) => {
    for (const [found, known] of client.getQueriesData({ queryKey: key })) {
      if (known === undefined) continue;
      const name = JSON.stringify(found);
      if (!before.has(name)) before.set(name, [found, known]);
      client.setQueryData(found, change(known));
    }
  };
  return {
    /** The answer to one call, where it is known. */
    change<C extends Call>(declared: C, input: Partial<Input<C>>, change: (known: Answer<C>) => Answer<C>): void {
      edit(keyOf(declared, input), (known) => change(known as Answer<C>));
    },
    /** Each item of every kept list that a call answers; null takes the item out. */
    changeItems<C extends Call>(
      declared: C & ListCall<C>,
      input: Partial<Input<C>>,
      change: (item: Item<C>) => Item<C> | null,
    ): void {
      edit(keyOf<C>(declared, input), (known) => changeItems(known as Lists, (item) => change(item as Item<C>)));
    },
    keys: (): QueryKey[] => [...before.values()].map(([key]) => key),
    undo(): void {
      for (const [key, known] of before.values()) client.setQueryData(key, known);
    },
  };
}
export type CacheEdit = Pick<ReturnType<typeof editCache>, 'change' | 'changeItems'>;
