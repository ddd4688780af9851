import { defineFeature } from '../../feature.ts';
import { createAsk } from './ask.ts';
import { botFacts } from './facts.ts';
import { createBotDirectory } from './directory.ts';
import type { BotDirectory } from './directory.ts';
import { botRoutes } from './routes.ts';
import { botSettings } from './settings.ts';
import { BOT_CHANGED } from './topics.ts';

declare module '../../kit.ts' {
  interface Services {
    bots: BotDirectory;
  }
}

export const bots = defineFeature({
  name: 'bots',
  tables: ['bots', 'bot_knowledge_bases', 'traces'],
  months: { traces: (settingsOf) => settingsOf(botSettings).PARLEY_RETENTION_TRACES },
  settings: [botSettings],
  uses: ['store', 'wake', 'publish', 'cacheMs', 'route'],
  facts: botFacts,
  topics: { broadcast: [BOT_CHANGED] },
  provides: { bots: ({ store, wake, cacheMs }) => createBotDirectory({ store, wake, ttlMs: cacheMs }) },
  setUp: ({ store, publish, route }) => ({
    routes: (api) => botRoutes(api, { store, publish, ask: createAsk({ store, route }) }),
  }),
});
