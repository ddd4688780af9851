import { defineFeature } from '../../feature.ts';
import { fileRoutes } from './routes.ts';
import { bytesToDelete } from './sweeps.ts';

export const files = defineFeature({
  name: 'files',
  tables: ['files', 'file_removals'],
  uses: ['store', 'storage'],
  setUp: (kit) => ({ routes: (api) => fileRoutes(api, kit), sweeps: [bytesToDelete(kit)] }),
});
