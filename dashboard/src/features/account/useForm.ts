import { ref } from 'vue';
import { fieldError } from '../../api/problem.ts';

/** One submit at a time, with the server's refusal kept for the fields and the form. */
export function useForm<Result>(submit: () => Promise<Result>, after: (result: Result) => void) {
  const busy = ref(false);
  const error = ref<unknown>(null);
  const run = async () => {
    if (busy.value) return;
    busy.value = true;
    error.value = null;
    try {
      after(await submit());
    } catch (failure) {
      error.value = failure;
    } finally {
      busy.value = false;
    }
  };
  const of = (field: string) => fieldError(error.value, field);
  return { busy, error, run, of };
}
