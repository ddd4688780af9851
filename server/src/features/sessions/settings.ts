import { z } from 'zod';
import { ConfigError, defineSettings } from '../../platform/config/define.ts';

/** The first owner, whom nobody has to be asked for; undefined: a link is printed. */
export const ownerSettings = defineSettings(
  {
    PARLEY_OWNER_EMAIL: {
      schema: z.email().describe('takes an email address'),
      group: 'start',
      description: 'Creates the first owner without asking; both or neither.',
      unset: 'a one-time setup link is printed',
    },
    PARLEY_OWNER_PASSWORD: {
      schema: z.string().min(10).max(200).describe('takes a password of 10 to 200 characters'),
      group: 'start',
      description: 'Their password, of at least 10 characters.',
      secret: true,
    },
  },
  ({ PARLEY_OWNER_EMAIL: email, PARLEY_OWNER_PASSWORD: password }) => {
    if (email && !password) throw new ConfigError('PARLEY_OWNER_PASSWORD', 'is needed beside PARLEY_OWNER_EMAIL');
    if (password && !email) throw new ConfigError('PARLEY_OWNER_EMAIL', 'is needed beside PARLEY_OWNER_PASSWORD');
    return email && password ? { email, password } : undefined;
  },
);
