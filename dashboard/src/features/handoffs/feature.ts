import { Hourglass } from '@lucide/vue';
import { conversationsApi, HandoffReason, handoffsApi } from '@parley/contract';
import { useThrottleFn } from '@vueuse/core';
import { computed } from 'vue';
import { keyOf } from '../../api/cache.ts';
import { useCall } from '../../api/useCall.ts';
import { defineFeature } from '../../app/feature.ts';
import { useNews } from '../../composables/useNews.ts';
import { useSession } from '../../composables/useSession.ts';

/** A queue longer than an event tells is read page by page, and so not at every event. */
const longQueueMs = 10_000;

function useWaiting() {
  const { can } = useSession();
  // The queue itself is read by who looks at it: here its length is enough.
  const counts = useCall(conversationsApi.count, {}, { enabled: () => can('conversations:read') });
  return computed(() => (can('handoffs:read') ? (counts.data.value?.waiting ?? 0) : 0));
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
  live: ({ client }) => {
    const queryKey = keyOf(handoffsApi.list);
    const news = useNews();
    const readAgain = useThrottleFn(() => void client.invalidateQueries({ queryKey }), longQueueMs, true);
    return {
      'queue:update': ({ handoffs, total }) => {
        if (handoffs.length === total) client.setQueriesData({ queryKey }, handoffs);
        else void readAgain();
      },
      'conversation:updated': ({ id, status }) => {
        if (status !== 'waiting') news.forget(id);
      },
      notification: ({ kind, conversationId }) => {
        if (conversationId && HandoffReason.safeParse(kind).success) news.tellArrived(conversationId);
      },
    };
  },
});
