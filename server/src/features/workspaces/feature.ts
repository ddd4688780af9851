import { defineFeature } from '../../feature.ts';
import { workspaceRoutes } from './routes.ts';

export const workspaces = defineFeature({
  name: 'workspaces',
  tables: ['workspaces'],
  uses: ['store', 'config'],
  setUp: (kit) => ({ routes: (api) => workspaceRoutes(api, kit) }),
});
