import { type Conversation, conversationsApi, HandoffReason } from '@parley/contract';
import type { Feature } from '../../app/feature.ts';
import { conversationKey, showConversations } from './listStore.ts';
import { receive } from './threadSync.ts';

/** A typing event without its end is forgotten after this long. */
const typingMilliseconds = 6000;
/** Changes of a busy moment are drawn together. */
const gatherMilliseconds = 50;
const rowFollowsMilliseconds = 1000;

export const live: NonNullable<Feature['live']> = ({ client, router, toasts, refreshSoon, writing }) => {
  const gathered = new Map<string, Conversation>();
  function show(): void {
    const conversations = [...gathered.values()];
    gathered.clear();
    showConversations(client, conversations);
  }

  return {
    'message:received': (message) => {
      receive(client, message);
      if (message.author.type !== 'system') writing.delete(message.conversationId);
    },
    'message:updated': (message) => receive(client, message),
    'conversation:updated': (conversation) => {
      if (gathered.size === 0) setTimeout(show, gatherMilliseconds);
      gathered.set(conversation.id, conversation);
      refreshSoon(conversationsApi.count);
    },
    'status:changed': ({ conversationId, status }) => {
      // The row that follows says it all, unless it was lost.
      setTimeout(() => {
        const queryKey = conversationKey(conversationId);
        const known = client.getQueryData<Conversation>(queryKey);
        if (known && known.status !== status) void client.invalidateQueries({ queryKey });
      }, rowFollowsMilliseconds);
    },
    typing: ({ conversationId, typing, who, name }) => {
      if (typing) writing.set(conversationId, { who, name, until: Date.now() + typingMilliseconds });
      else writing.delete(conversationId);
    },
    notification: ({ kind, title, conversationId }) => {
      // Who waits for a person is news of the queue.
      if (HandoffReason.safeParse(kind).success) return;
      const open = conversationId ? () => void router.push(`/conversations/${conversationId}`) : undefined;
      toasts.tellNews(title, open);
    },
  };
};
