import type { Conversation } from '@parley/contract';
import type { InfiniteData, QueryClient } from '@tanstack/vue-query';
import type { Page } from '../../api/conversations.ts';
import { keys } from '../../api/keys.ts';

/** Puts a conversation's new state into its own entry and into every list that shows it. */
export function patchConversation(client: QueryClient, conversation: Conversation): void {
  client.setQueryData(keys.conversation(conversation.id), conversation);
  client.setQueriesData<InfiniteData<Page<Conversation>>>({ queryKey: keys.lists }, (lists) => {
    // A search in the command bar keeps one page under the same prefix, without `pages`.
    if (!lists?.pages) return lists;
    const replace = (item: Conversation) => (item.id === conversation.id ? conversation : item);
    return { ...lists, pages: lists.pages.map((page) => ({ ...page, items: page.items.map(replace) })) };
  });
}
