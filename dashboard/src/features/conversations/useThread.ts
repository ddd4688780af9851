import { conversationsApi } from '@parley/contract';
import { useQuery, useQueryClient } from '@tanstack/vue-query';
import { useDebounceFn } from '@vueuse/core';
import { computed, onBeforeUnmount, ref, type Ref, watch } from 'vue';
import { call } from '../../api/client.ts';
import { useCall } from '../../api/useCall.ts';
import { connection, tell } from '../../api/socket.ts';
import { useSession } from '../../composables/useSession.ts';
import { useRealtime } from '../../app/useRealtime.ts';
import { lastSeq } from './messageCache.ts';
import { loadOlder, loadThread, threadKey } from './threadSync.ts';
import { createTypingSignal } from './typingSignal.ts';

/** One open conversation: its state, its messages, its live room. */
export function useThread(id: Ref<string>) {
  const client = useQueryClient();
  const { socket, writing } = useRealtime();
  const conversation = useCall(conversationsApi.get, () => ({ params: { id: id.value } }), {
    // No event tells that the platform's window has closed. What counts is the server's clock, so it is asked.
    refetchInterval: (known) => {
      const { open, closesAt } = known?.window ?? {};
      return open && closesAt ? Math.max(0, Date.parse(closesAt) - Date.now()) + 10_000 : false;
    },
  });
  // Live events keep the thread; a refetch only asks for what came after it.
  const thread = useQuery({
    queryKey: computed(() => threadKey(id.value)),
    queryFn: () => loadThread(client, id.value),
    staleTime: 30_000,
  });

  watch(
    [id, connection],
    ([now], [before]) => {
      if (before && before !== now) void tell(socket.value, 'conversation:unsubscribe', { conversationId: before });
      if (connection.value === 'connected') void tell(socket.value, 'conversation:subscribe', { conversationId: now });
    },
    { immediate: true },
  );
  onBeforeUnmount(() => {
    typingSignal.stop();
    void tell(socket.value, 'conversation:unsubscribe', { conversationId: id.value });
  });

  const seen = computed(() => (thread.data.value ? lastSeq(thread.data.value) : 0));
  // Messages come to whoever has the conversation open: what came while it was not is asked for.
  const catchUp = useDebounceFn(() => {
    if (seen.value && (conversation.data.value?.lastSeq ?? 0) > seen.value && !thread.isFetching.value)
      void thread.refetch();
  }, 400);
  watch([id, () => conversation.data.value?.lastSeq, seen], () => void catchUp());
  watch([id, seen, () => conversation.data.value?.unreadCount], async ([now, seq, unread]) => {
    if (!seq || !unread || document.visibilityState !== 'visible') return;
    // Being read is a side note: when it cannot be told now, the next message tells it again.
    await call(conversationsApi.markRead, { params: { id: now } }).catch(() => undefined);
  });

  const loadingOlder = ref(false);
  const older = async () => {
    if (loadingOlder.value || !thread.data.value?.olderCursor) return;
    loadingOlder.value = true;
    try {
      await loadOlder(client, id.value);
    } finally {
      loadingOlder.value = false;
    }
  };
  const typingSignal = createTypingSignal(
    (conversationId, typing) => void tell(socket.value, 'agent:typing', { conversationId, typing }),
  );
  watch(id, () => typingSignal.stop());
  const wrote = (words: boolean) => (words ? typingSignal.wrote(id.value) : typingSignal.stop());
  const { me } = useSession();
  // The server tells the room, and this person is in it.
  const typing = computed(() => {
    const entry = writing.get(id.value);
    return entry && !(entry.who === 'agent' && entry.name === me.value?.user.name) ? entry : null;
  });
  return { conversation, thread, older, loadingOlder, wrote, typing };
}
