import { useInfiniteQuery } from '@tanstack/vue-query';
import { computed } from 'vue';
import { listConversations } from '../../api/conversations.ts';
import { keys } from '../../api/keys.ts';
import { useInboxRoute } from './useInboxRoute.ts';
import { views } from './views.ts';

/** The list of the chosen view, newest activity first, page after page. */
export function useConversationList() {
  const { view, search, inboxId } = useInboxRoute();
  const filter = computed(() => ({ ...views[view.value].query, q: search.value, inboxId: inboxId.value }));
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.list(filter.value)),
    queryFn: ({ pageParam, signal }) => listConversations({ ...filter.value, cursor: pageParam, limit: 30 }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
  const items = computed(() => query.data.value?.pages.flatMap((page) => page.items) ?? []);
  return { query, items };
}
