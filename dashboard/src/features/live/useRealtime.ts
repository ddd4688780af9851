import type { Handoff, Me, Member, Source, SourceDetail } from '@parley/contract';
import { type QueryClient, useQueryClient } from '@tanstack/vue-query';
import { useDebounceFn } from '@vueuse/core';
import { inject, type InjectionKey, onBeforeUnmount, provide, reactive, type ShallowRef, shallowRef } from 'vue';
import { type AgentSocket, openSocket } from '../../api/socket.ts';
import type { Listed } from '../../api/studio.ts';
import { keys } from '../../api/keys.ts';
import { meKey } from '../../composables/useSession.ts';
import { staysAway } from './presence.ts';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { useToasts } from '../../composables/useToasts.ts';
import { patchConversation } from '../conversations/conversationCache.ts';
import { receive } from '../conversations/threadSync.ts';

type Writing = { who: 'contact' | 'bot' | 'agent'; name: string | null; until: number };

export type Realtime = {
  socket: ShallowRef<AgentSocket | null>;
  /** who is writing, by conversation */
  writing: Map<string, Writing>;
};

const realtimeKey: InjectionKey<Realtime> = Symbol('realtime');
/** A typing event without its end is forgotten after this long. */
const typingMilliseconds = 6000;

export function useRealtime(): Realtime {
  const realtime = inject(realtimeKey);
  if (!realtime) throw new Error('useRealtime is for screens inside the shell');
  return realtime;
}

function patchSource(client: QueryClient, source: Source): void {
  client.setQueriesData<Listed<Source>>({ queryKey: keys.sources(source.knowledgeBaseId) }, (list) =>
    list ? { ...list, items: list.items.map((item) => (item.id === source.id ? source : item)) } : list,
  );
  client.setQueryData<SourceDetail>(keys.source(source.id), (known) => (known ? { ...known, ...source } : known));
  if (source.status === 'ready' || source.status === 'failed') {
    void client.invalidateQueries({ queryKey: keys.chunks(source.id) });
    void client.invalidateQueries({ queryKey: keys.bases });
  }
}

/** Opens the socket for the shell and lets its events change what is cached. What an event cannot tell is fetched again over REST. */
export function provideRealtime(): Realtime {
  const client = useQueryClient();
  const router = useRouter();
  const { tellNews } = useToasts();
  const { t, te } = useI18n();
  const socket = shallowRef<AgentSocket | null>(openSocket());
  const writing = reactive(new Map<string, Writing>());
  const realtime: Realtime = { socket, writing };
  provide(realtimeKey, realtime);

  // Many conversations change at once on a busy day: lists are read again at most every second.
  const refreshLists = useDebounceFn(
    () => {
      void client.invalidateQueries({ queryKey: keys.lists });
      void client.invalidateQueries({ queryKey: keys.counts });
    },
    400,
    { maxWait: 1000 },
  );
  const live = socket.value;
  let connectedBefore = false;
  live?.on('connect', () => {
    live.emit('agent:join', staysAway() ? {} : { status: 'online' }, () => undefined);
    // Whatever happened while the line was down is missing here.
    if (connectedBefore) void client.invalidateQueries();
    connectedBefore = true;
  });
  live?.on('message:received', (message) => {
    receive(client, message);
    if (message.author.type !== 'system') writing.delete(message.conversationId);
  });
  live?.on('message:updated', (message) => receive(client, message));
  live?.on('conversation:updated', (conversation) => {
    patchConversation(client, conversation);
    void refreshLists();
  });
  live?.on('status:changed', ({ conversationId }) => {
    void client.invalidateQueries({ queryKey: keys.conversation(conversationId) });
    void refreshLists();
  });
  live?.on('session:created', () => void refreshLists());
  live?.on('queue:update', ({ handoffs }) => {
    client.setQueryData<Handoff[]>(keys.handoffs, handoffs);
    void refreshLists();
  });
  live?.on('typing', (event) => {
    if (event.typing)
      writing.set(event.conversationId, { who: event.who, name: event.name, until: Date.now() + typingMilliseconds });
    else writing.delete(event.conversationId);
  });
  live?.on('notification', ({ kind, title, conversationId }) => {
    const reason = te(`reason.${kind}`) ? `${t(`reason.${kind}`)}: ` : '';
    tellNews(reason + title, conversationId ? () => void router.push(`/conversations/${conversationId}`) : undefined);
  });
  live?.on('source:updated', (source) => patchSource(client, source));
  live?.on('presence:changed', ({ userId, presence }) => {
    client.setQueryData<Me>(meKey, (me) => (me?.user.id === userId ? { ...me, presence } : me));
    client.setQueryData<Member[]>(keys.members, (members) =>
      members?.map((member) => (member.userId === userId ? { ...member, presence } : member)),
    );
  });

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
