import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { isView, type ViewName } from './views.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What the inbox shows is what the address says: view, conversation, search, inbox filter, open passage, open drawer. */
export function useInboxRoute() {
  const route = useRoute();
  const router = useRouter();
  const view = computed<ViewName>(() => (isView(route.params['view']) ? route.params['view'] : 'open'));
  const id = computed<string | null>(() => text(route.params['id']) || null);
  const search = computed(() => text(route.query['q']));
  const inboxId = computed(() => text(route.query['inbox']));
  /** `<message id>:<number of the source>` */
  const passage = computed(() => text(route.query['passage']));
  const drawer = computed(() => route.query['details'] === '1');

  const setQuery = (changes: Record<string, string | undefined>, replace = true) => {
    const query = { ...route.query, ...changes };
    for (const [name, value] of Object.entries(query)) if (!value) delete query[name];
    return replace ? router.replace({ query }) : router.push({ query });
  };
  const keepFilters = () => ({
    ...(search.value ? { q: search.value } : {}),
    ...(inboxId.value ? { inbox: inboxId.value } : {}),
  });
  const linkTo = (conversationId: string | undefined) => ({
    name: 'inbox',
    params: { view: view.value, id: conversationId ?? '' },
    query: keepFilters(),
  });
  const open = (conversationId: string | undefined) => router.push(linkTo(conversationId));
  return { view, id, search, inboxId, passage, drawer, setQuery, linkTo, open };
}
