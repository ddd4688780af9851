import { Settings } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [{ path: 'settings', name: 'settings', component: () => import('./SettingsPage.vue') }],
  },
  navigation: [
    {
      in: 'workspace',
      order: 60,
      to: '/studio/settings',
      label: 'studio.settings',
      text: 'studio.settingsText',
      icon: Settings,
    },
  ],
});
