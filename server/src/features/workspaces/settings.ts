import { defineSettings } from '../../platform/config/define.ts';
import { wholeNumber } from '../../platform/config/schemas.ts';

export const workspaceSettings = defineSettings({
  PARLEY_WORKSPACES_PER_PERSON: {
    schema: wholeNumber(1, 1_000_000),
    group: 'limits',
    description: 'Workspaces a person may have; one more is refused with limit_reached.',
    default: '20',
  },
});
