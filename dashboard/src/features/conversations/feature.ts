import { Inbox } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';
import { live } from './live.ts';

export default defineFeature({
  routes: {
    desk: [
      { path: 'inbox', redirect: '/inbox/open' },
      { path: 'inbox/:view/:id?', name: 'inbox', component: () => import('./InboxPage.vue') },
      {
        path: 'conversations/:id',
        redirect: (to) => ({ name: 'inbox', params: { view: 'all', id: String(to.params['id']) } }),
      },
    ],
  },
  navigation: [
    {
      in: 'rail',
      order: 10,
      to: '/inbox/open',
      under: '/inbox',
      label: 'shell.inbox',
      icon: Inbox,
      permission: 'conversations:read',
    },
  ],
  live,
});
