import { defineFeature } from '../../feature.ts';
import { inEachWorkspace } from '../workspaces/commands.ts';
import { createDesk } from './desk.ts';
import type { Desk } from './desk.ts';
import { conversationFacts } from './facts.ts';
import { releaseConversations } from './reactions.ts';
import { forgetPreviews } from './retention.ts';
import { conversationRoutes } from './routes.ts';
import { conversationSocketEvents } from './socket.ts';
import { createReadStats } from './stats.ts';
import type { ReadStats } from './stats.ts';
import { endOfSnoozes } from './sweeps.ts';
import { BOT_INTERRUPTED } from './topics.ts';

declare module '../../kit.ts' {
  interface Services {
    desk: Desk;
    stats: ReadStats;
  }
}

export const conversations = defineFeature({
  name: 'conversations',
  tables: ['conversations', 'undos'],
  busy: ['conversations'],
  uses: ['store', 'publish', 'realtime', 'desk', 'stats'],
  facts: conversationFacts,
  topics: { broadcast: [BOT_INTERRUPTED] },
  provides: { desk: createDesk, stats: createReadStats },
  setUp: ({ store, publish, desk, stats }) => ({
    routes: (api) => conversationRoutes(api, { store, desk }),
    agentEvents: () => conversationSocketEvents({ store, desk, stats }),
    reactions: [releaseConversations({ store, publish })],
    sweeps: [endOfSnoozes({ store, publish })],
    deleteExpired: { messages: (before) => inEachWorkspace(store, [forgetPreviews], before) },
  }),
});
