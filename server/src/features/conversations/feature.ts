import { defineFeature } from '../../feature.ts';
import { inEachWorkspace } from '../../platform/data/retention.ts';
import { createDesk } from './desk.ts';
import type { Desk } from './desk.ts';
import { conversationFacts } from './facts.ts';
import { forgetPreviews } from './retention.ts';
import { conversationRoutes } from './routes.ts';
import { endOfSnoozes } from './sweeps.ts';
import { BOT_INTERRUPTED } from './topics.ts';

declare module '../../kit.ts' {
  interface Services {
    desk: Desk;
  }
}

export const conversations = defineFeature({
  name: 'conversations',
  tables: ['conversations'],
  uses: ['store', 'publish', 'desk'],
  facts: conversationFacts,
  topics: { broadcast: [BOT_INTERRUPTED] },
  provides: { desk: createDesk },
  setUp: ({ store, publish, desk }) => ({
    routes: (api) => conversationRoutes(api, { store, desk }),
    sweeps: [endOfSnoozes({ store, publish })],
    forget: (before) => inEachWorkspace(store, [forgetPreviews], before),
  }),
});
