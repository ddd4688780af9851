import { Cable } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [
      { path: 'inboxes', name: 'inboxes', component: () => import('./InboxesPage.vue') },
      { path: 'inboxes/connect/:channel', name: 'connect', component: () => import('./ConnectPage.vue') },
      { path: 'inboxes/:id', name: 'inbox-settings', component: () => import('./InboxSettingsPage.vue') },
    ],
  },
  navigation: [
    {
      in: 'answers',
      order: 30,
      to: '/studio/inboxes',
      label: 'studio.inboxes',
      text: 'studio.inboxesText',
      icon: Cable,
      permission: 'inboxes:read',
    },
  ],
});
