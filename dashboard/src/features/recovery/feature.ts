import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    open: [
      { path: '/forgot-password', name: 'forgot-password', component: () => import('./ForgotPasswordPage.vue') },
      { path: '/reset-password', name: 'reset-password', component: () => import('./ResetPasswordPage.vue') },
      { path: '/prove-address', name: 'prove-address', component: () => import('./ProveAddressPage.vue') },
    ],
  },
});
