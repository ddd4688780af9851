import { defineSettings } from '../platform/config/define.ts';
import { wholeMonths } from '../platform/config/schemas.ts';

export const eventSettings = defineSettings({
  PARLEY_RETENTION_EVENTS: {
    schema: wholeMonths(),
    group: 'services',
    description: 'For how many whole months, besides the current one, raw events of platforms are kept. 0: for ever.',
    default: '3',
  },
});
