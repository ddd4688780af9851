import { defineSettings } from '../config/define.ts';
import { anyText } from '../config/schemas.ts';

/** What they take in detail says config/secrets.ts. */
export const secretSettings = defineSettings({
  ENCRYPTION_KEYS: {
    schema: anyText(),
    group: 'secrets',
    description:
      'ID:KEY pairs separated by commas, KEY being 32 random bytes in base64 (openssl rand -base64 32). The first key encrypts, all of them decrypt: to rotate, put a new pair in front and keep the old one.',
    unset: 'made once and kept in DATA_DIR/secrets.json (mode 0600); needed with DATABASE_URL',
    example: 'k1:',
    secret: true,
  },
  JWT_SECRET: {
    schema: anyText(),
    group: 'secrets',
    description: 'Signs access tokens; a random text of at least 32 characters (openssl rand -base64 48).',
    unset: 'made once and kept in DATA_DIR/secrets.json (mode 0600); needed with DATABASE_URL',
    secret: true,
  },
});
