import type { Handoff } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    handoff: string;
  }
}

export const example: WalkExample = {
  make: {
    handoff: async ({ call, id }) => {
      await id('conversation');
      return (await call<Handoff[]>('GET', '/handoffs'))[0]?.id ?? '';
    },
  },
  segments: { handoffs: 'handoff' },
};
