import { defineFeature } from '../../feature.ts';
import { messageFacts } from './facts.ts';
import { messageSettings } from './settings.ts';
import { messageSocketEvents } from './socket.ts';
import { DELIVERY_DUE, FILES_DUE } from './topics.ts';

export const messages = defineFeature({
  name: 'messages',
  tables: ['messages', 'file_fetches'],
  busy: ['file_fetches'],
  months: { messages: (settingsOf) => settingsOf(messageSettings).PARLEY_RETENTION_MESSAGES },
  settings: [messageSettings],
  uses: ['store', 'desk', 'emitTyping'],
  facts: messageFacts,
  topics: { work: [DELIVERY_DUE, FILES_DUE] },
  setUp: (kit) => ({ agentEvents: () => messageSocketEvents(kit) }),
});
