import type { Call } from '@parley/contract';
import { useMutation, useQueryClient } from '@tanstack/vue-query';
import { computed, type ComputedRef } from 'vue';
import { useToasts } from '../composables/useToasts.ts';
import { type CacheEdit, editCache, keyOf } from './cache.ts';
import { callWith } from './client.ts';
import type { Answer, Arguments, Input } from './transport.ts';

export type ActionOptions<C extends Call> = {
  /** what is shown at once as if it had been done; taken back when it fails */
  optimistic?: (cache: CacheEdit, input: Input<C>) => void;
  /** calls whose answers are no longer true, whether it worked or not */
  refresh?: Call[];
  done?: (answer: Answer<C>, input: Input<C>) => unknown;
  /** a sentence about what failed, shown with its reason; without it `run` throws */
  failed?: (input: Input<C>) => string;
};

type Options<C extends Call> = Omit<ActionOptions<C>, 'failed'>;
type Action<C extends Call, Result> = {
  run: (...input: Arguments<C>) => Promise<Result>;
  busy: ComputedRef<boolean>;
  /** of the run under way: to show which of many rows is busy */
  running: ComputedRef<Input<C> | undefined>;
};

/** A call that changes something. `run` resolves to its answer, or to undefined when it failed and `failed` said so. */
export function useAction<C extends Call>(
  declared: C,
  options: Options<C> & Required<Pick<ActionOptions<C>, 'failed'>>,
): Action<C, Answer<C> | undefined>;
export function useAction<C extends Call>(declared: C, options?: Options<C>): Action<C, Answer<C>>;
export function useAction<C extends Call>(
  declared: C,
  options: ActionOptions<C> = {},
): Action<C, Answer<C> | undefined> {
  const client = useQueryClient();
  const { tellProblem } = useToasts();
  const mutation = useMutation({
    mutationFn: (input: Input<C>) => callWith(declared, input),
    onMutate: async (input) => {
      if (!options.optimistic) return undefined;
      const edit = editCache(client);
      options.optimistic(edit, input);
      // An answer under way knows nothing of this and would show the old state again.
      await Promise.all(edit.keys().map((queryKey) => client.cancelQueries({ queryKey, exact: true })));
      return edit;
    },
    onError: (_error, _input, edit) => edit?.undo(),
    onSettled: () => {
      for (const stale of options.refresh ?? []) void client.invalidateQueries({ queryKey: keyOf(stale) });
    },
  });

  async function run(...[input = {} as Input<C>]: Arguments<C>): Promise<Answer<C> | undefined> {
    try {
      const answer = await mutation.mutateAsync(input);
      await options.done?.(answer, input);
      return answer;
    } catch (error) {
      if (!options.failed) throw error;
      tellProblem(options.failed(input), error);
      return undefined;
    }
  }
  return {
    run,
    busy: computed(() => mutation.isPending.value),
    /** of the run under way: to show which of many rows is busy */
    running: computed(() =>
      mutation.isPending.value ? (mutation.variables.value as Input<C> | undefined) : undefined,
    ),
  };
}
