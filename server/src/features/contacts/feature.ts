import { defineFeature } from '../../feature.ts';
import { contactRoutes } from './routes.ts';

export const contacts = defineFeature({
  name: 'contacts',
  tables: ['contacts', 'contact_identities'],
  uses: ['store'],
  setUp: (kit) => ({ routes: (api) => contactRoutes(api, kit) }),
});
