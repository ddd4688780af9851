import type { Deletion, DeletionEffect } from '@parley/contract';
import { useQuery } from '@tanstack/vue-query';
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';

/** The same effect of several deletions counts once, with all of them. */
function together(deletions: readonly Deletion[]): DeletionEffect[] {
  const sums = new Map<string, DeletionEffect>();
  for (const effect of deletions.flatMap(({ effects }) => effects)) {
    const key = `${effect.what}.${effect.becomes}`;
    sums.set(key, { ...effect, count: effect.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

/**
 * What a deletion takes with it and what becomes of the rest, in words, for a question that is open. `ids` is empty while
 * none is; the server is asked each time, and not believed for longer.
 */
export function useDeletionEffects(kind: string, ids: () => string[], preview: (id: string) => Promise<Deletion>) {
  const { t } = useI18n();
  const query = useQuery({
    queryKey: computed(() => ['deletion', kind, ...ids()]),
    queryFn: () => Promise.all(ids().map(preview)),
    enabled: () => ids().length > 0,
    staleTime: 0,
    gcTime: 0,
  });
  return computed(() =>
    together(query.data.value ?? []).map(({ what, count, becomes }) =>
      t(`deletion.${what}.${becomes}`, { n: count }, count),
    ),
  );
}
