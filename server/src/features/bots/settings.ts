import { defineSettings } from '../../platform/config/define.ts';
import { wholeMonths } from '../../platform/config/schemas.ts';

export const botSettings = defineSettings({
  PARLEY_RETENTION_TRACES: {
    schema: wholeMonths(),
    group: 'services',
    description:
      'For how many whole months, besides the current one, records of how answers came to be are kept. 0: for ever.',
    default: '3',
  },
});
