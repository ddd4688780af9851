import type { Me, OpenSession } from '@parley/contract';
import { OWNER } from '../../test/app.ts';
import { PASSWORD } from '../../test/security/password.ts';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    session: string;
  }
}

export const example: WalkExample = {
  make: {
    async session({ call, url }) {
      const { user } = await call<Me>('GET', '/me');
      const password = user.email === OWNER.email ? OWNER.password : PASSWORD;
      // Another of theirs: the one that asks is needed until the end.
      const response = await fetch(`${url}/api/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: user.email, password }),
      });
      if (!response.ok) throw new Error(`signing in again: ${response.status}`);
      return (await call<OpenSession[]>('GET', '/me/sessions')).find(({ current }) => !current)?.id ?? '';
    },
  },
  segments: { sessions: 'session' },
};
