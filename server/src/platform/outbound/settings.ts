import { z } from 'zod';
import { defineSettings } from '../config/define.ts';

export const outsideSettings = defineSettings(
  {
    PARLEY_WEBHOOKS_PRIVATE: {
      schema: z
        .enum(['0', '1'])
        .transform((value) => value === '1')
        .describe('takes 1 (webhooks may call private networks and this machine) or 0'),
      group: 'outside',
      description:
        '1: webhooks may call private networks and this machine. Only where everybody who can make one may reach those, too.',
      default: '0',
      more: '[Webhooks](webhooks.md)',
    },
  },
  (values) => ({ allowPrivate: values.PARLEY_WEBHOOKS_PRIVATE }),
);
