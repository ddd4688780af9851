import { anyText } from '../../platform/config/schemas.ts';
import type { TextVariable } from '../contract.ts';

/** A Meta app of the installation. */
export const metaApp = {
  META_APP_SECRET: {
    schema: anyText(),
    group: 'channels',
    description: 'The secret of a Meta app of the installation, whose numbers share the address /webhooks/whatsapp.',
    secret: true,
  },
  META_VERIFY_TOKEN: {
    schema: anyText(),
    group: 'channels',
    description: 'The verify token of that app.',
    secret: true,
  },
} satisfies Record<string, TextVariable>;
