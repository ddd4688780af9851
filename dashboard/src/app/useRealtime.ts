import type { Call } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import { useDebounceFn } from '@vueuse/core';
import { inject, type InjectionKey, onBeforeUnmount, provide, reactive, type ShallowRef, shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { keyOf } from '../api/cache.ts';
import { type AgentSocket, openSocket } from '../api/socket.ts';
import { useToasts } from '../composables/useToasts.ts';
import type { LiveDeps, Writing } from './feature.ts';
import { features } from './features.ts';
import { staysAway } from './presence.ts';

export type Realtime = {
  socket: ShallowRef<AgentSocket | null>;
  /** who is writing, by conversation */
  writing: Map<string, Writing>;
};

const realtimeKey: InjectionKey<Realtime> = Symbol('realtime');

export function useRealtime(): Realtime {
  const realtime = inject(realtimeKey);
  if (!realtime) throw new Error('useRealtime is for screens inside the shell');
  return realtime;
}

/** Opens the socket for the shell and gives its events to the features. What an event cannot tell is fetched again over REST. */
export function provideRealtime(): Realtime {
  const client = useQueryClient();
  const router = useRouter();
  const toasts = useToasts();
  const { t, te } = useI18n();
  const socket = shallowRef<AgentSocket | null>(openSocket());
  const writing = reactive(new Map<string, Writing>());
  const realtime: Realtime = { socket, writing };
  provide(realtimeKey, realtime);

  // Much changes at once on a busy day.
  const stale = new Set<Call>();
  const refreshStale = useDebounceFn(
    () => {
      for (const call of stale) void client.invalidateQueries({ queryKey: keyOf(call) });
      stale.clear();
    },
    400,
    { maxWait: 1000 },
  );
  const refreshSoon: LiveDeps['refreshSoon'] = (...calls) => {
    for (const call of calls) stale.add(call);
    void refreshStale();
  };

  const live = socket.value;
  let connectedBefore = false;
  live?.on('connect', () => {
    live.emit('agent:join', staysAway() ? {} : { status: 'online' }, () => undefined);
    // Whatever happened while the line was down is missing here.
    if (connectedBefore) void client.invalidateQueries();
    connectedBefore = true;
  });
  for (const feature of features) {
    const events = feature.live?.({ client, router, toasts, t, te, refreshSoon, writing }) ?? {};
    // The type holds each handler to its event; the loop forgets which is which.
    for (const [event, handle] of Object.entries(events)) live?.on(event as 'typing', handle as () => void);
  }

  const forget = setInterval(() => {
    for (const [id, entry] of writing) if (entry.until < Date.now()) writing.delete(id);
  }, 1000);
  onBeforeUnmount(() => {
    clearInterval(forget);
    live?.disconnect();
    socket.value = null;
  });
  return realtime;
}
