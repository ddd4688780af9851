import { defineFeature } from '../../feature.ts';
import { fileURLToPath } from 'node:url';
import { visitorPages } from './pages.ts';
import { visitorRoutes } from './routes.ts';
import { createVisitorTokens } from './token.ts';
import type { VisitorTokens } from './token.ts';

declare module '../../kit.ts' {
  interface Services {
    visitorTokens: VisitorTokens;
  }
}

const WIDGET = fileURLToPath(new URL('../../../../widget/dist', import.meta.url));

export const visitors = defineFeature({
  name: 'visitors',
  uses: ['config', 'store', 'storage', 'inboxes', 'findInbox', 'bots', 'visitorTokens', 'makeLimiter', 'demo'],
  provides: { visitorTokens: ({ config }) => createVisitorTokens(config.secrets.jwtSecret) },
  setUp: ({ config, store, storage, inboxes, findInbox, bots, visitorTokens: tokens, makeLimiter, demo }) => ({
    routes(api) {
      const ownOrigin = new URL(config.publicUrl).origin;
      const uploadLimit = makeLimiter('visitor-upload', { capacity: 30, refillPerSecond: 0.1 });
      visitorRoutes(api, { store, storage, inboxes, bots, tokens, ownOrigin, uploadLimit });
    },
    pages: (http) =>
      visitorPages(http, { findInbox, widgetFolder: WIDGET, publicUrl: config.publicUrl, demoToken: demo.token }),
  }),
});
