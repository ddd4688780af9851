import { useQuery, useQueryClient } from '@tanstack/vue-query';
import { computed, ref } from 'vue';
import { connection } from '../../api/socket.ts';
import { conversationKey, keepInList, loadAbove, loadBelow, loadRows, readConversation, rowsKey } from './listStore.ts';
import { covers, type RowFilter, type Rows } from './rows.ts';
import { useInboxRoute } from './useInboxRoute.ts';
import { views } from './views.ts';

/** Where a list is read from when it is read again: what the reader looks at, undefined from its beginning. */
const anchors = new Map<string, string>();

/** The list of the chosen view, newest activity first: kept by events, read again only where those were missed. */
export function useConversationList() {
  const client = useQueryClient();
  const { id, view, search, inboxId } = useInboxRoute();
  const filter = computed<RowFilter>(() => ({
    ...views[view.value].query,
    ...(search.value ? { q: search.value } : {}),
    ...(inboxId.value ? { inboxId: inboxId.value } : {}),
  }));
  const name = computed(() => JSON.stringify(filter.value));
  /** Whoever comes by a link to a conversation sees the list around it. */
  const anchor = () => {
    const isNew = client.getQueryData(rowsKey(filter.value)) === undefined;
    return anchors.get(name.value) ?? (isNew ? id.value : null);
  };

  const query = useQuery<Rows>({
    queryKey: computed(() => rowsKey(filter.value)),
    queryFn: ({ signal }) => loadRows(client, filter.value, anchor(), signal),
    staleTime: () => (connection.value === 'lost' ? 15_000 : Infinity),
    // Thousands of rows: what changes is replaced, nothing is compared or made reactive in depth.
    structuralSharing: false,
    shallow: true,
    gcTime: computed(() => (search.value ? 60_000 : 30 * 60_000)),
  });
  const items = computed(() => query.data.value?.items ?? []);

  const loading = ref<'above' | 'below' | null>(null);
  const failed = ref(false);
  async function grow(side: 'above' | 'below'): Promise<void> {
    if (loading.value) return;
    loading.value = side;
    failed.value = false;
    try {
      await (side === 'above' ? loadAbove : loadBelow)(client, filter.value);
    } catch {
      // The end of the list says so, and offers to try again.
      failed.value = true;
    } finally {
      loading.value = null;
    }
  }
  const lookAt = (conversationId: string | undefined): void => {
    if (conversationId) anchors.set(name.value, conversationId);
    else anchors.delete(name.value);
  };
  /** Has the open conversation in the list, read around it where its place is not loaded. */
  async function bring(conversationId: string): Promise<void> {
    const has = () => query.data.value?.items.some(({ id: each }) => each === conversationId);
    if (has()) return;
    const options = { queryKey: conversationKey(conversationId), queryFn: () => readConversation(conversationId) };
    // Whether it exists at all the conversation's own place says.
    const conversation = await client.ensureQueryData(options).catch(() => null);
    if (!conversation || !query.data.value || has()) return;
    if (!covers(query.data.value, conversation)) {
      lookAt(conversationId);
      await query.refetch();
    }
    keepInList(client, filter.value, conversation);
  }
  return { query, filter, name, items, loading, failed, grow, lookAt, bring };
}
