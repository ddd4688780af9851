import type { Conversation, SendContext } from '../channels/contract.ts';

/** Where a part is said, for a channel on its own: the customer wrote a moment ago unless told otherwise. */
export const contextOf = (threadKey: string, conversation: Partial<Conversation> = {}): SendContext => ({
  threadKey,
  attemptKey: '0198c4a2-7b1e-7c3d-9a55-0d2f6b8e4a10:0',
  conversation: async () => ({
    contact: { externalIds: [threadKey], name: 'Maria', email: null, phone: null },
    lastInbound: { id: 'in-1', at: new Date().toISOString() },
    replyTo: null,
    references: [],
    ...conversation,
  }),
});
