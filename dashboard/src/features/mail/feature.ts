import { Mail } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [{ path: 'mail', name: 'mail', component: () => import('./MailPage.vue') }],
  },
  navigation: [
    {
      in: 'installation',
      order: 80,
      to: '/studio/mail',
      label: 'studio.mail',
      text: 'studio.mailText',
      icon: Mail,
      permission: 'mail:read',
    },
  ],
});
