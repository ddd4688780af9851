import { Hourglass } from '@lucide/vue';
import { conversationsApi, handoffsApi } from '@parley/contract';
import { computed } from 'vue';
import { keyOf } from '../../api/cache.ts';
import { useAll } from '../../api/useCall.ts';
import { defineFeature } from '../../app/feature.ts';
import { useSession } from '../../composables/useSession.ts';

function useWaiting() {
  const { can } = useSession();
  const handoffs = useAll(handoffsApi.list, {}, { enabled: () => can('handoffs:read') });
  return computed(() => handoffs.data.value?.length ?? 0);
}

export default defineFeature({
  routes: { desk: [{ path: 'queue', name: 'queue', component: () => import('./QueuePage.vue') }] },
  navigation: [
    {
      in: 'rail',
      order: 20,
      to: '/queue',
      label: 'shell.queue',
      icon: Hourglass,
      permission: 'handoffs:read',
      count: { label: 'shell.waiting', use: useWaiting },
    },
  ],
  live: ({ client, refreshSoon }) => ({
    'queue:update': ({ handoffs }) => {
      client.setQueriesData({ queryKey: keyOf(handoffsApi.list) }, handoffs);
      refreshSoon(conversationsApi.list, conversationsApi.count);
    },
  }),
});
