import { defineFeature } from '../../feature.ts';
import { inEachWorkspace } from '../workspaces/commands.ts';
import { handoffFacts } from './facts.ts';
import { handoffMetrics } from './metrics.ts';
import { forgetWords } from './retention.ts';
import { handoffRoutes } from './routes.ts';
import { handoffSocketEvents } from './socket.ts';

export const handoffs = defineFeature({
  name: 'handoffs',
  tables: ['handoffs'],
  uses: ['store', 'desk'],
  facts: handoffFacts,
  metrics: [handoffMetrics],
  setUp: ({ store, desk }) => ({
    routes: (api) => handoffRoutes(api, { store, pickUp: desk.pickUp }),
    agentEvents: () => handoffSocketEvents({ store, desk }),
    deleteExpired: { messages: (before) => inEachWorkspace(store, [forgetWords], before) },
  }),
});
