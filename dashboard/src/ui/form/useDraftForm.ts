import { ref, type Ref } from 'vue';
import type { z } from 'zod';
import { useDraft } from '../../composables/useDraft.ts';
import { fieldsOf, useFormErrors } from './useForm.ts';

type DraftOptions<Values extends object> = {
  /** what the server knows; followed while nothing is changed here */
  source: Ref<Values | undefined>;
  /** of what is sent: all fields, or only some */
  schema?: z.ZodType;
  /** sends what was changed and resolves to what the server knows then */
  save: (changes: Partial<Values>) => Promise<Values>;
  saved?: () => unknown;
  /** tells about a failure besides marking the fields */
  failed?: (error: unknown) => unknown;
};

/** A form over something that exists, for pages with a `<SaveBar>`: only what was changed is sent. */
export function useDraftForm<Values extends object>(options: DraftOptions<Values>) {
  const { draft, dirty, changes, accept, discard } = useDraft(options.source);
  const errors = useFormErrors();
  const current = (): Values => {
    if (!draft.value) throw new Error('nothing is loaded yet');
    return draft.value;
  };
  const busy = ref(false);

  async function save(): Promise<void> {
    if (busy.value || !dirty.value || !(await errors.check(options.schema, changes.value))) return;
    busy.value = true;
    errors.clear();
    try {
      accept(await options.save(changes.value));
      options.saved?.();
    } catch (failure) {
      await errors.fail(failure);
      options.failed?.(failure);
    } finally {
      busy.value = false;
    }
  }
  return {
    draft,
    dirty,
    busy,
    save,
    discard: () => {
      errors.clear();
      discard();
    },
    /** for `ref` of what holds the fields, so that a wrong one is found there */
    bind: (element: unknown) => {
      errors.element.value = element instanceof HTMLElement ? element : null;
    },
    of: errors.of,
    /** for templates that are shown once the draft is there */
    field: fieldsOf<Values>(current, errors),
    /** the same for the fields of an object among the values */
    within: <Name extends keyof Values & string>(name: Name) =>
      fieldsOf<Values[Name] & object>(() => Object(current()[name]) as Values[Name] & object, errors),
  };
}

export type DraftForm<Values extends object> = ReturnType<typeof useDraftForm<Values>>;
