import type { WalkExample } from '../../test/security/examples.ts';

/** Mails are of the installation: nobody else's can be named. */
export const example: WalkExample = {
  names: { mail: '0198c4a3-11aa-7f00-8c00-5d1f6b8e4a12' },
};
