import {
  conversationsApi,
  handoffsApi,
  knowledgeBasesApi,
  meApi,
  membersApi,
  sourcesApi,
  type Handoff,
  type Source,
} from '@parley/contract';
import { type QueryClient, useQueryClient } from '@tanstack/vue-query';
import { useDebounceFn } from '@vueuse/core';
import { inject, type InjectionKey, onBeforeUnmount, provide, reactive, type ShallowRef, shallowRef } from 'vue';
import { editCache, keyOf } from '../../api/cache.ts';
import { type AgentSocket, openSocket } from '../../api/socket.ts';
import { staysAway } from './presence.ts';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { useToasts } from '../../composables/useToasts.ts';
import { changeConversation } from '../conversations/conversationCache.ts';
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
  const { id, knowledgeBaseId } = source;
  const cache = editCache(client);
  cache.changeItems(sourcesApi.list, { params: { id: knowledgeBaseId } }, (item) => (item.id === id ? source : item));
  cache.change(sourcesApi.get, { params: { id } }, (known) => ({ ...known, ...source }));
  if (source.status === 'ready' || source.status === 'failed') {
    void client.invalidateQueries({ queryKey: keyOf(sourcesApi.listChunks, { params: { id } }) });
    void client.invalidateQueries({ queryKey: keyOf(knowledgeBasesApi.list) });
    void client.invalidateQueries({ queryKey: keyOf(knowledgeBasesApi.get) });
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
      void client.invalidateQueries({ queryKey: keyOf(conversationsApi.list) });
      void client.invalidateQueries({ queryKey: keyOf(conversationsApi.count) });
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
    changeConversation(editCache(client), conversation.id, conversation);
    void refreshLists();
  });
  live?.on('status:changed', ({ conversationId }) => {
    void client.invalidateQueries({ queryKey: keyOf(conversationsApi.get, { params: { id: conversationId } }) });
    void refreshLists();
  });
  live?.on('session:created', () => void refreshLists());
  live?.on('queue:update', ({ handoffs }) => {
    client.setQueriesData<Handoff[]>({ queryKey: keyOf(handoffsApi.list) }, handoffs);
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
    const cache = editCache(client);
    cache.change(meApi.get, {}, (me) => (me.user.id === userId ? { ...me, presence } : me));
    cache.changeItems(membersApi.list, {}, (member) => (member.userId === userId ? { ...member, presence } : member));
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
