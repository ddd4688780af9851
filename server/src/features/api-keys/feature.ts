import { defineFeature } from '../../feature.ts';
import { apiKeyFacts } from './facts.ts';
import { apiKeyRoutes } from './routes.ts';
import { API_KEY_REVOKED } from './topics.ts';

export const apiKeys = defineFeature({
  name: 'api-keys',
  tables: ['api_keys'],
  uses: ['store', 'publish'],
  facts: apiKeyFacts,
  topics: { broadcast: [API_KEY_REVOKED] },
  setUp: (kit) => ({ routes: (api) => apiKeyRoutes(api, kit) }),
});
