import { defineFeature } from '../../feature.ts';
import { messageFacts } from './facts.ts';
import { DELIVERY_DUE } from './topics.ts';

export const messages = defineFeature({
  name: 'messages',
  tables: ['messages'],
  uses: [],
  facts: messageFacts,
  topics: { work: [DELIVERY_DUE] },
});
