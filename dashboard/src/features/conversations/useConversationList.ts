import { conversationsApi } from '@parley/contract';
import { useInfiniteQuery } from '@tanstack/vue-query';
import { computed } from 'vue';
import { keyOf } from '../../api/cache.ts';
import { call } from '../../api/client.ts';
import { useInboxRoute } from './useInboxRoute.ts';
import { views } from './views.ts';

/** The list of the chosen view, newest activity first, page after page. */
export function useConversationList() {
  const { view, search, inboxId } = useInboxRoute();
  const filter = computed(() => ({ ...views[view.value].query, q: search.value, inboxId: inboxId.value }));
  const query = useInfiniteQuery({
    queryKey: computed(() => [...keyOf(conversationsApi.list, { query: filter.value }), 'pages']),
    queryFn: ({ pageParam, signal }) =>
      call(conversationsApi.list, { query: { ...filter.value, cursor: pageParam, limit: 30 }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
  const items = computed(() => query.data.value?.pages.flatMap((page) => page.items) ?? []);
  return { query, items };
}
