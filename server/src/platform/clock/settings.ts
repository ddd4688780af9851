import { z } from 'zod';
import { defineSettings } from '../config/define.ts';

export const clockSettings = defineSettings(
  {
    PARLEY_TEST_CLOCK: {
      schema: z
        .enum(['0', '1'])
        .transform((value) => value === '1')
        .describe('takes 1 (an owner may set the time: for tests) or 0'),
      group: 'process',
      description: '1: for tests alone. An owner may set the time of the installation (POST /api/v1/internal/clock).',
      default: '0',
    },
  },
  ({ PARLEY_TEST_CLOCK }) => ({ testClock: PARLEY_TEST_CLOCK }),
);
