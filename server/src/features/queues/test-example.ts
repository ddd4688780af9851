import type { WalkExample } from '../../test/security/examples.ts';

export const example: WalkExample = {
  names: { queues: 'fetch-files', failed: 'no-such-job' },
};
