import type { FormField } from './useForm.ts';

/** A list of texts as one text, an entry a line. Empty lines stay while somebody types; whoever sends takes them out. */
export const asLines = (field: FormField<string[]>, most = Infinity): FormField<string> => ({
  name: field.name,
  get value() {
    return field.value.join('\n');
  },
  set value(text) {
    field.value = text ? text.split('\n').slice(0, most) : [];
  },
  get error() {
    return field.error;
  },
});
