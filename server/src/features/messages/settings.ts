import { defineSettings } from '../../platform/config/define.ts';
import { wholeMonths } from '../../platform/config/schemas.ts';

export const messageSettings = defineSettings({
  PARLEY_RETENTION_MESSAGES: {
    schema: wholeMonths(),
    group: 'services',
    description: 'For how many whole months, besides the current one, messages are kept. 0: for ever.',
    default: '0',
  },
});
