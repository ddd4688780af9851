import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import { signedIn } from '../api/session.ts';
import type { Feature } from './feature.ts';
import { features } from './features.ts';
import { signInFrom } from './useDeparture.ts';

const reloadedKey = 'parley.reloaded';

const routesIn = (where: keyof NonNullable<Feature['routes']>): RouteRecordRaw[] =>
  features.flatMap((feature) => feature.routes?.[where] ?? []);

export const routes = (): RouteRecordRaw[] => [
  ...routesIn('open').map((route) => ({ ...route, meta: { ...route.meta, open: true } })),
  ...routesIn('bare'),
  {
    path: '/',
    component: () => import('./AppShell.vue'),
    children: [
      { path: '', redirect: '/inbox/open' },
      ...routesIn('desk'),
      {
        path: 'studio',
        component: () => import('./StudioLayout.vue'),
        children: [{ path: '', name: 'studio', component: () => import('./StudioPage.vue') }, ...routesIn('studio')],
      },
      { path: ':rest(.*)*', name: 'missing', component: () => import('./MissingPage.vue') },
    ],
  },
];

export function createAppRouter() {
  const router = createRouter({ history: createWebHistory(), routes: routes() });
  router.beforeEach((to) => {
    if (to.meta['open'] || signedIn()) return true;
    return signInFrom(to);
  });
  // After an update of the server the parts this page knows are gone: load the new ones, once per address.
  router.onError((_error, to) => {
    if (sessionStorage.getItem(reloadedKey) === to.fullPath) return;
    sessionStorage.setItem(reloadedKey, to.fullPath);
    location.assign(to.fullPath);
  });
  router.afterEach(() => sessionStorage.removeItem(reloadedKey));
  return router;
}
