import { defineFeature } from '../../feature.ts';
import { fileRoutes } from './routes.ts';

export const files = defineFeature({
  name: 'files',
  tables: ['files'],
  uses: ['store', 'storage'],
  setUp: (kit) => ({ routes: (api) => fileRoutes(api, kit) }),
});
