import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import { signedIn } from './api/session.ts';

const reloadedKey = 'parley.reloaded';

const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./pages/SignInPage.vue'), meta: { open: true } },
  { path: '/setup', name: 'setup', component: () => import('./pages/SetupPage.vue'), meta: { open: true } },
  {
    path: '/accept-invite',
    alias: ['/invite', '/invite/:token'],
    name: 'accept-invite',
    component: () => import('./pages/AcceptInvitePage.vue'),
    meta: { open: true },
  },
  { path: '/workspaces/new', name: 'new-workspace', component: () => import('./pages/NewWorkspacePage.vue') },
  {
    path: '/',
    component: () => import('./features/shell/AppShell.vue'),
    children: [
      { path: '', redirect: '/inbox/open' },
      { path: 'inbox', redirect: '/inbox/open' },
      { path: 'inbox/:view/:id?', name: 'inbox', component: () => import('./pages/InboxPage.vue') },
      {
        path: 'conversations/:id',
        redirect: (to) => ({ name: 'inbox', params: { view: 'all', id: String(to.params['id']) } }),
      },
      { path: 'queue', name: 'queue', component: () => import('./pages/QueuePage.vue') },
      {
        path: 'studio',
        component: () => import('./features/shell/StudioLayout.vue'),
        children: [
          { path: '', name: 'studio', component: () => import('./pages/StudioPage.vue') },
          { path: 'bots', name: 'bots', component: () => import('./pages/BotsPage.vue') },
          { path: 'bots/:id', name: 'bot', component: () => import('./pages/BotPage.vue'), meta: { wide: true } },
          { path: 'knowledge', name: 'knowledge', component: () => import('./pages/KnowledgePage.vue') },
          { path: 'knowledge/:id', name: 'base', component: () => import('./pages/KnowledgeBasePage.vue') },
          {
            path: 'knowledge/:id/sources/:sourceId',
            name: 'source',
            component: () => import('./pages/SourcePage.vue'),
          },
          { path: 'inboxes', name: 'inboxes', component: () => import('./pages/InboxesPage.vue') },
          { path: 'inboxes/connect/:channel', name: 'connect', component: () => import('./pages/ConnectPage.vue') },
          { path: 'inboxes/:id', name: 'inbox-settings', component: () => import('./pages/InboxSettingsPage.vue') },
          { path: 'members', name: 'members', component: () => import('./pages/MembersPage.vue') },
          { path: 'webhooks', name: 'webhooks', component: () => import('./pages/WebhooksPage.vue') },
          { path: 'queues', name: 'queues', component: () => import('./pages/QueuesPage.vue') },
          { path: 'settings', name: 'settings', component: () => import('./pages/SettingsPage.vue') },
        ],
      },
      { path: ':rest(.*)*', name: 'missing', component: () => import('./pages/MissingPage.vue') },
    ],
  },
];

export function createAppRouter() {
  const router = createRouter({ history: createWebHistory(), routes });
  router.beforeEach((to) => {
    if (to.meta['open'] || signedIn()) return true;
    return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } };
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
