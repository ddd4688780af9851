import { defineFeature } from '../../feature.ts';
import { workspaceRoutes } from './routes.ts';
import { workspaceSettings } from './settings.ts';

export const workspaces = defineFeature({
  name: 'workspaces',
  tables: ['workspaces'],
  settings: [workspaceSettings],
  uses: ['store', 'settingsOf'],
  setUp: ({ store, settingsOf }) => ({
    routes: (api) =>
      workspaceRoutes(api, { store, perPerson: settingsOf(workspaceSettings).PARLEY_WORKSPACES_PER_PERSON }),
  }),
});
