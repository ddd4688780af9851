import type { Feature } from '../feature.ts';
import { messagePath } from '../turn/feature.ts';
import { apiKeys } from './api-keys/feature.ts';
import { bots } from './bots/feature.ts';
import { clock } from './clock/feature.ts';
import { connections } from './connections/feature.ts';
import { contacts } from './contacts/feature.ts';
import { conversations } from './conversations/feature.ts';
import { demo } from './demo/feature.ts';
import { files } from './files/feature.ts';
import { handoffs } from './handoffs/feature.ts';
import { inboxes } from './inboxes/feature.ts';
import { knowledge } from './knowledge/feature.ts';
import { mail } from './mail/feature.ts';
import { members } from './members/feature.ts';
import { messages } from './messages/feature.ts';
import { queues } from './queues/feature.ts';
import { sessions } from './sessions/feature.ts';
import { visitors } from './visitors/feature.ts';
import { webhooks } from './webhooks/feature.ts';
import { workspaces } from './workspaces/feature.ts';

/**
 * The product: one line a feature. Set up, started and closed in this order, in which also the API's description has them.
 */
export const features: Feature[] = [
  messagePath,
  // Before the first owner, who takes it over.
  demo,
  sessions,
  workspaces,
  members,
  apiKeys,
  webhooks,
  bots,
  knowledge,
  inboxes,
  contacts,
  conversations,
  handoffs,
  messages,
  files,
  queues,
  mail,
  clock,
  visitors,
  connections,
];
