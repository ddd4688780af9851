import type { Contact } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    contact: string;
  }
}

export const example: WalkExample = {
  make: {
    contact: async ({ call, visitor }) => {
      await visitor();
      return (await call<Contact[]>('GET', '/contacts'))[0]?.id ?? '';
    },
  },
  segments: { contacts: 'contact' },
  fields: { contactId: 'contact' },
};
