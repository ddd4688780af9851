import { Webhook } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [{ path: 'webhooks', name: 'webhooks', component: () => import('./WebhooksPage.vue') }],
  },
  navigation: [
    {
      in: 'workspace',
      order: 50,
      to: '/studio/webhooks',
      label: 'studio.webhooks',
      text: 'studio.webhooksText',
      icon: Webhook,
      permission: 'webhooks:read',
    },
  ],
});
