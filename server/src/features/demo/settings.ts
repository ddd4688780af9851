import { z } from 'zod';
import { defineSettings } from '../../platform/config/define.ts';

export const demoSettings = defineSettings({
  PARLEY_DEMO: {
    schema: z
      .string()
      .transform((value) => value !== '0')
      .describe('takes 0 (no demo workspace) or 1'),
    group: 'start',
    description: '0: no demo workspace and no /demo page.',
    default: '1',
  },
});
