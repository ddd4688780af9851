import { Bot } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [
      { path: 'bots', name: 'bots', component: () => import('./BotsPage.vue') },
      { path: 'bots/:id', name: 'bot', component: () => import('./BotPage.vue'), meta: { wide: true } },
    ],
  },
  navigation: [
    {
      in: 'answers',
      order: 10,
      to: '/studio/bots',
      label: 'studio.bots',
      text: 'studio.botsText',
      icon: Bot,
      permission: 'bots:read',
    },
  ],
});
