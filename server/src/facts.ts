import { apiKeyFacts } from './features/api-keys/facts.ts';
import { botFacts } from './features/bots/facts.ts';
import { conversationFacts } from './features/conversations/facts.ts';
import { handoffFacts } from './features/handoffs/facts.ts';
import { inboxFacts } from './features/inboxes/facts.ts';
import { knowledgeFacts } from './features/knowledge/facts.ts';
import { memberFacts } from './features/members/facts.ts';
import { messageFacts } from './features/messages/facts.ts';
import { webhookFacts } from './features/webhooks/facts.ts';

/** Every fact of the product. */
export const facts = [
  apiKeyFacts,
  botFacts,
  conversationFacts,
  handoffFacts,
  inboxFacts,
  knowledgeFacts,
  memberFacts,
  messageFacts,
  webhookFacts,
];
