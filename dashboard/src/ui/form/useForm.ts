import { computed, nextTick, reactive, type Ref, ref, shallowReactive } from 'vue';
import type { z } from 'zod';
import { ApiError, fieldError } from '../../api/problem.ts';

/** One field of a form: its value and what is wrong with it. */
export type FormField<Value> = { readonly name: string; value: Value; readonly error: string | null };

/** What `<Form>` and `<FormDialog>` need of a form. */
export type AnyForm = {
  element: Ref<HTMLElement | null>;
  busy: Ref<boolean>;
  dirty: Ref<boolean>;
  error: Ref<unknown>;
  run: () => Promise<void>;
  reset: () => void;
};

/** Wrong fields by name, from the schema or the server; one that is changed is given the benefit of the doubt. */
export function useFormErrors() {
  const error = ref<unknown>(null);
  const element = ref<HTMLElement | null>(null);
  const changed = shallowReactive(new Set<string>());
  const of = (name: string) => (changed.has(name) ? null : fieldError(error.value, name));

  function clear(): void {
    error.value = null;
    changed.clear();
  }
  async function fail(failure: unknown): Promise<void> {
    changed.clear();
    error.value = failure;
    await nextTick();
    element.value?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }
  /** False, with the fields marked, when the schema would refuse this. */
  async function check(schema: z.ZodType | undefined, values: unknown): Promise<boolean> {
    const checked = schema?.safeParse(values);
    if (!checked || checked.success) return true;
    const details = checked.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
    await fail(new ApiError(400, 'invalid', '', details));
    return false;
  }
  return { error, element, of, clear, fail, check, edited: (name: string) => changed.add(name) };
}

export function fieldsOf<Values extends object>(
  values: () => Values,
  { of, edited }: Pick<ReturnType<typeof useFormErrors>, 'of' | 'edited'>,
) {
  return <Name extends keyof Values & string>(name: Name): FormField<Values[Name]> => ({
    name,
    get value() {
      return values()[name];
    },
    set value(value) {
      edited(name);
      values()[name] = value;
    },
    get error() {
      return of(name);
    },
  });
}

type FormOptions<Values extends object, Result> = {
  /** asked again at each reset */
  initial: () => Values;
  /** of the call's body: checked here first, in the names of the fields */
  schema?: z.ZodType;
  submit: (values: Values) => Promise<Result>;
  done?: (result: Result) => unknown;
};

/**
 * A form that is filled in and sent: one submit at a time, wrong fields marked by the contract's schema or the server's
 * `details`, the first of them focused.
 */
export function useForm<Values extends object, Result>(options: FormOptions<Values, Result>) {
  const values = reactive(options.initial()) as Values;
  const before = ref(JSON.stringify(values));
  const busy = ref(false);
  const errors = useFormErrors();

  async function run(): Promise<void> {
    if (busy.value || !(await errors.check(options.schema, values))) return;
    busy.value = true;
    errors.clear();
    try {
      const result = await options.submit(values);
      before.value = JSON.stringify(values);
      await options.done?.(result);
    } catch (failure) {
      await errors.fail(failure);
    } finally {
      busy.value = false;
    }
  }
  function reset(): void {
    Object.assign(values, options.initial());
    before.value = JSON.stringify(values);
    errors.clear();
  }
  return {
    values,
    field: fieldsOf(() => values, errors),
    of: errors.of,
    /** for a failure that another form met and this one can mend */
    fail: errors.fail,
    element: errors.element,
    error: errors.error,
    dirty: computed(() => JSON.stringify(values) !== before.value),
    busy,
    run,
    reset,
  };
}
