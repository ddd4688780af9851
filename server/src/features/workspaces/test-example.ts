import type { Me } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    workspace: string;
  }
}

export const example: WalkExample = {
  make: { workspace: async ({ call }) => (await call<Me>('GET', '/me')).workspace?.id ?? '' },
  segments: { workspaces: 'workspace' },
  fields: { workspaceId: 'workspace' },
};
