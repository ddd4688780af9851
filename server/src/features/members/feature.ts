import { defineFeature } from '../../feature.ts';
import { memberFacts } from './facts.ts';
import { memberRoutes } from './routes.ts';
import { memberSocketEvents } from './socket.ts';
import { MEMBERSHIP_CHANGED } from './topics.ts';

export const members = defineFeature({
  name: 'members',
  tables: ['memberships', 'invitations', 'users'],
  uses: ['store', 'config', 'publish', 'stats', 'mail', 'makeLimiter'],
  facts: memberFacts,
  topics: { broadcast: [MEMBERSHIP_CHANGED] },
  setUp: (kit) => ({ routes: (api) => memberRoutes(api, kit), agentEvents: () => memberSocketEvents(kit) }),
});
