import { defineFeature } from '../../feature.ts';
import { messageFacts } from './facts.ts';
import { messageRoutes } from './routes.ts';
import { DELIVERY_DUE } from './topics.ts';

export const messages = defineFeature({
  name: 'messages',
  tables: ['messages'],
  uses: ['desk'],
  facts: messageFacts,
  topics: { work: [DELIVERY_DUE] },
  setUp: ({ desk }) => ({ routes: (api) => messageRoutes(api, { desk }) }),
});
