import { computed, ref, type Ref, watch } from 'vue';

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * An editable copy of what the server knows. While nothing is changed here it follows the server; afterwards it keeps the
 * person's words and `changes` holds only the fields that differ.
 */
export function useDraft<Fields extends object>(source: Ref<Fields | undefined>) {
  const draft = ref<Fields | null>(null) as Ref<Fields | null>;
  const base = ref<Fields | null>(null) as Ref<Fields | null>;
  const copy = (fields: Fields): Fields => JSON.parse(JSON.stringify(fields)) as Fields;
  const changes = computed<Partial<Fields>>(() => {
    const [now, before] = [draft.value, base.value];
    if (!now || !before) return {};
    const names = (Object.keys(now) as (keyof Fields)[]).filter((name) => !same(now[name], before[name]));
    return Object.fromEntries(names.map((name) => [name, now[name]])) as Partial<Fields>;
  });
  const dirty = computed(() => Object.keys(changes.value).length > 0);
  const accept = (fields: Fields) => {
    base.value = copy(fields);
    draft.value = copy(fields);
  };
  const discard = () => {
    if (base.value) draft.value = copy(base.value);
  };
  watch(
    source,
    (fields) => {
      if (fields && !dirty.value) accept(fields);
    },
    { immediate: true },
  );
  return { draft, dirty, changes, accept, discard };
}
