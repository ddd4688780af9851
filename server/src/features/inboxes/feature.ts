import { defineFeature } from '../../feature.ts';
import { channelRoutes } from './channel-routes.ts';
import { inboxFacts } from './facts.ts';
import { createInboxFinder } from './token-throttle.ts';
import { createInboxDirectory } from './directory.ts';
import type { FindInbox, InboxDirectory } from './directory.ts';
import { inboxRoutes } from './routes.ts';
import { INBOX_CHANGED } from './topics.ts';

declare module '../../kit.ts' {
  interface Services {
    inboxes: InboxDirectory;
    findInbox: FindInbox;
  }
}

export const inboxes = defineFeature({
  name: 'inboxes',
  tables: ['inboxes'],
  uses: ['store', 'keyring', 'wake', 'publish', 'log', 'config', 'cacheMs', 'channelClient', 'inboxes'],
  facts: inboxFacts,
  topics: { broadcast: [INBOX_CHANGED] },
  provides: {
    inboxes: ({ store, keyring, wake, cacheMs }) => createInboxDirectory({ store, keyring, wake, ttlMs: cacheMs }),
    findInbox: (kit) => createInboxFinder(kit.inboxes),
  },
  setUp: ({ channelClient, ...kit }) => ({
    routes(api) {
      inboxRoutes(api, { ...kit, channelHttp: channelClient });
      channelRoutes(api, { ...kit, channelHttp: channelClient });
    },
  }),
});
