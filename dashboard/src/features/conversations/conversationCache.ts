import { type Conversation, conversationsApi } from '@parley/contract';
import type { CacheEdit } from '../../api/cache.ts';

/** Changes a conversation in its own entry and in every list that shows it. */
export function changeConversation(cache: CacheEdit, id: string, changes: Partial<Conversation>): void {
  cache.change(conversationsApi.get, { params: { id } }, (known) => ({ ...known, ...changes }));
  cache.changeItems(conversationsApi.list, {}, (item) => (item.id === id ? { ...item, ...changes } : item));
}
