import type { ApiKeyCreated } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    apiKey: string;
  }
}

export const example: WalkExample = {
  make: {
    apiKey: async ({ post, mark }) =>
      (await post<ApiKeyCreated>('/api-keys', { name: `Key ${mark}`, scopes: ['contacts:read'] })).id,
  },
  segments: { 'api-keys': 'apiKey' },
};
