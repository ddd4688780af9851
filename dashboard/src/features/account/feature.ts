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
    bare: [{ path: '/workspaces/new', name: 'new-workspace', component: () => import('./NewWorkspacePage.vue') }],
  },
});
