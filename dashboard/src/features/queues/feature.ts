import { Layers } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [{ path: 'queues', name: 'queues', component: () => import('./QueuesPage.vue') }],
  },
  navigation: [
    {
      in: 'installation',
      order: 70,
      to: '/studio/queues',
      label: 'studio.queues',
      text: 'studio.queuesText',
      icon: Layers,
      permission: 'queues:read',
    },
  ],
});
