import { useStorage } from '@vueuse/core';
import { computed, ref, type Ref, toValue, type MaybeRefOrGetter, watch } from 'vue';

export type Column<Row> = {
  id: string;
  label: string;
  /** what is sorted, searched and, without a slot of its own, shown */
  value?: (row: Row) => string | number | null;
  /** cannot be hidden */
  fixed?: boolean;
  /** hidden until somebody chooses it */
  hidden?: boolean;
  /** only where there is room: from 760 or from 1100 px on */
  from?: 'column' | 'wide';
  /** of its cells, such as a width */
  class?: string;
};

export type BulkAction<Row> = {
  id: string;
  label: string;
  icon?: object;
  danger?: boolean;
  /** of the chosen rows those it is for; all without it */
  fits?: (row: Row) => boolean;
  /** resolves once it is done: the selection ends then. False keeps it. */
  run: (rows: Row[]) => unknown;
};

/** By column id, `-` before it for the other way round. */
export type Sort = string | null;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
function compare(one: string | number | null, other: string | number | null): number {
  // What is not there comes last, whichever way one sorts.
  if (one === null || other === null) return 0;
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return collator.compare(String(one), String(other));
}

export function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): Row[] {
  const down = sort?.startsWith('-') ?? false;
  const value = columns.find((column) => column.id === sort?.replace(/^-/, ''))?.value;
  if (!value) return [...rows];
  return rows.toSorted((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return down ? compare(other, one) : compare(one, other);
  });
}

/** Every word has to be somewhere in the row. */
export function filterRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], text: string): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const written = columns
      .map((column) => String(column.value?.(row) ?? ''))
      .join('\n')
      .toLowerCase();
    return words.every((word) => written.includes(word));
  });
}

/** The columns a person chose to see, kept in this browser for each table and person. */
export function useColumnChoice<Row>(columns: MaybeRefOrGetter<Column<Row>[]>, name: string, person: string) {
  const chosen = useStorage<Record<string, boolean>>(`parley.table.${person}.${name}`, {});
  const isShown = (column: Column<Row>) => column.fixed || (chosen.value[column.id] ?? !column.hidden);
  return {
    shown: computed(() => toValue(columns).filter(isShown)),
    choices: computed(() =>
      toValue(columns)
        .filter((column) => !column.fixed)
        .map((column) => ({ ...column, shown: isShown(column) })),
    ),
    toggle: (column: Column<Row>) => {
      chosen.value = { ...chosen.value, [column.id]: !isShown(column) };
    },
  };
}

/** The chosen rows by key; one that is no longer there is no longer chosen. */
export function useSelection<Row>(rows: Ref<Row[]>, keyOf: (row: Row) => string) {
  const keys = ref(new Set<string>());
  const selected = computed(() => rows.value.filter((row) => keys.value.has(keyOf(row))));
  watch(rows, (now) => {
    const there = new Set(now.map(keyOf));
    if ([...keys.value].some((key) => !there.has(key)))
      keys.value = new Set([...keys.value].filter((key) => there.has(key)));
  });
  function set(some: readonly Row[], chosen: boolean): void {
    const changed = some.map(keyOf);
    const others = [...keys.value].filter((key) => !changed.includes(key));
    keys.value = new Set(chosen ? [...others, ...changed] : others);
  }
  return { selected, has: (row: Row) => keys.value.has(keyOf(row)), set, clear: () => (keys.value = new Set()) };
}
