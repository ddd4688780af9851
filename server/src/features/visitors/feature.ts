import { defineFeature } from '../../feature.ts';
import { fileURLToPath } from 'node:url';
import { visitorPages } from './pages.ts';
import { visitorRoutes } from './routes.ts';
import { visitorSocketEvents } from './socket.ts';
import { VISITOR_ENDED } from './topics.ts';
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
  topics: { broadcast: [VISITOR_ENDED] },
  uses: [
    ...(['config', 'store', 'storage', 'inboxes', 'findInbox', 'bots', 'visitorTokens', 'makeLimiter'] as const),
    ...(['demo', 'receive', 'publish', 'emitTyping'] as const),
  ],
  provides: { visitorTokens: ({ config }) => createVisitorTokens(config.secrets.jwtSecret) },
  setUp: ({ config, storage, inboxes, findInbox, visitorTokens: tokens, makeLimiter, demo, ...kit }) => ({
    routes(api) {
      const ownOrigin = new URL(config.publicUrl).origin;
      const uploadLimit = makeLimiter('visitor-upload', { capacity: 30, refillPerSecond: 0.1 });
      visitorRoutes(api, { ...kit, storage, inboxes, tokens, ownOrigin, uploadLimit });
    },
    visitorEvents: () =>
      visitorSocketEvents({
        ...{ ...kit, tokens },
        messageLimit: makeLimiter('visitor-message', { capacity: 30, refillPerSecond: 1 }),
        startLimit: makeLimiter('visitor-start', { capacity: 60, refillPerSecond: 0.5 }),
      }),
    pages: (http) =>
      visitorPages(http, { findInbox, widgetFolder: WIDGET, publicUrl: config.publicUrl, demoToken: demo.token }),
  }),
});
