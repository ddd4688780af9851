import type { Call } from '@parley/contract';
import { keepPreviousData, useQuery, type UseQueryReturnType } from '@tanstack/vue-query';
import { computed, type MaybeRefOrGetter, toValue } from 'vue';
import { keyOf } from './cache.ts';
import { callAll, callWith, type Item, type ListCall } from './client.ts';
import type { Answer, Input } from './transport.ts';

export type CallOptions<Data> = {
  enabled?: MaybeRefOrGetter<boolean>;
  /** milliseconds */
  staleTime?: number;
  /** milliseconds, or what they are for an answer; false to stop */
  refetchInterval?: number | ((data: Data | undefined) => number | false);
  retry?: false;
  /** shows the answer to what was asked before until the new one is here */
  keepPrevious?: boolean;
};

function ask<Data>(
  key: () => readonly unknown[],
  read: (signal: AbortSignal) => Promise<Data>,
  { keepPrevious, refetchInterval, ...options }: CallOptions<Data>,
): UseQueryReturnType<Data, Error> {
  const every = refetchInterval;
  return useQuery<Data, Error, Data>({
    queryKey: computed(key),
    queryFn: ({ signal }) => read(signal),
    ...options,
    ...(keepPrevious ? { placeholderData: keepPreviousData } : {}),
    ...(every === undefined
      ? {}
      : { refetchInterval: typeof every === 'number' ? every : ({ state }) => every(state.data) }),
  });
}

/** The answer to a call, kept, shared between screens and read again when it is stale or its input changes. */
export function useCall<C extends Call>(
  declared: C,
  input: MaybeRefOrGetter<Input<C>>,
  options: CallOptions<Answer<C>> = {},
): UseQueryReturnType<Answer<C>, Error> {
  return ask<Answer<C>>(
    () => keyOf(declared, toValue(input)),
    (signal) => callWith(declared, { ...toValue(input), signal }),
    options,
  );
}

/** A list read to its end, for what a workspace has few of: pickers, names by id. */
export function useAll<C extends Call>(
  declared: C & ListCall<C>,
  input: MaybeRefOrGetter<Input<C>>,
  options: CallOptions<Item<C>[]> = {},
): UseQueryReturnType<Item<C>[], Error> {
  return ask<Item<C>[]>(
    () => {
      const [path, params = {}, query = {}] = keyOf<C>(declared, toValue(input));
      return [path, params, query, 'all'];
    },
    (signal) => callAll<C>(declared, { ...toValue(input), signal }),
    options,
  );
}
