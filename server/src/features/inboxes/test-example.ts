import type { Inbox } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    inbox: string;
    inboxToken: string;
  }
}

export const example: WalkExample = {
  make: {
    inbox: async ({ post, mark, id }) =>
      (await post<Inbox>('/inboxes', { name: `Site ${mark}`, channel: 'web', botId: await id('bot') })).id,
    inboxToken: async ({ call, id }) => (await call<Inbox>('GET', `/inboxes/${await id('inbox')}`)).token,
  },
  segments: { inboxes: 'inbox', widget: 'inboxToken' },
  fields: { inboxId: 'inbox' },
};
