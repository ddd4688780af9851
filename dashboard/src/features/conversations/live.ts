import { conversationsApi } from '@parley/contract';
import { editCache, keyOf } from '../../api/cache.ts';
import type { Feature } from '../../app/feature.ts';
import { changeConversation } from './conversationCache.ts';
import { receive } from './threadSync.ts';

/** A typing event without its end is forgotten after this long. */
const typingMilliseconds = 6000;

export const live: NonNullable<Feature['live']> = ({ client, router, toasts, t, te, refreshSoon, writing }) => {
  const refreshLists = () => refreshSoon(conversationsApi.list, conversationsApi.count);
  return {
    'message:received': (message) => {
      receive(client, message);
      if (message.author.type !== 'system') writing.delete(message.conversationId);
    },
    'message:updated': (message) => receive(client, message),
    'conversation:updated': (conversation) => {
      changeConversation(editCache(client), conversation.id, conversation);
      refreshLists();
    },
    'status:changed': ({ conversationId }) => {
      void client.invalidateQueries({ queryKey: keyOf(conversationsApi.get, { params: { id: conversationId } }) });
      refreshLists();
    },
    'session:created': refreshLists,
    typing: ({ conversationId, typing, who, name }) => {
      if (typing) writing.set(conversationId, { who, name, until: Date.now() + typingMilliseconds });
      else writing.delete(conversationId);
    },
    notification: ({ kind, title, conversationId }) => {
      const reason = te(`reason.${kind}`) ? `${t(`reason.${kind}`)}: ` : '';
      const open = conversationId ? () => void router.push(`/conversations/${conversationId}`) : undefined;
      toasts.tellNews(reason + title, open);
    },
  };
};
