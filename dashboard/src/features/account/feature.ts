import { CircleUser } from '@lucide/vue';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    open: [
      { path: '/sign-in', name: 'sign-in', component: () => import('./SignInPage.vue') },
      { path: '/setup', name: 'setup', component: () => import('./SetupPage.vue') },
      {
        path: '/accept-invite',
        alias: ['/invite', '/invite/:token'],
        name: 'accept-invite',
        component: () => import('./AcceptInvitePage.vue'),
      },
    ],
    studio: [{ path: 'account', name: 'account', component: () => import('./AccountPage.vue') }],
    bare: [{ path: '/workspaces/new', name: 'new-workspace', component: () => import('./NewWorkspacePage.vue') }],
  },
  navigation: [
    {
      in: 'workspace',
      order: 70,
      to: '/studio/account',
      label: 'studio.account',
      text: 'studio.accountText',
      icon: CircleUser,
    },
  ],
});
