import type { Message } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    message: string;
  }
}

export const example: WalkExample = {
  make: {
    message: async ({ call, id }) =>
      (await call<Message[]>('GET', `/conversations/${await id('conversation')}/messages`))[0]?.id ?? '',
  },
  segments: { messages: 'message' },
  fields: { replyToId: 'message' },
};
