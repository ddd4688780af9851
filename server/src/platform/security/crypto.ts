import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';

/** A ciphertext was altered, belongs elsewhere, or its key is gone. Says nothing about the content. */
export class DecryptError extends Error {
  constructor(reason: string) {
    super(`cannot decrypt: ${reason}`);
    this.name = 'DecryptError';
  }
}

export type Keyring = {
  /**
   * AES-256-GCM under the first key: "KEYID.base64url(nonce, tag, ciphertext)". `context` (a row's id, say) is bound
   * in: the text decrypts only with the same one, so a ciphertext copied to another row is refused.
   */
  encrypt(plain: string, context?: string): string;
  /** Throws DecryptError. */
  decrypt(cipher: string, context?: string): string;
  /** True when the text was encrypted under an older key and should be encrypted again. */
  isStale(cipher: string): boolean;
};

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const associated = (id: string, context: string): Buffer => Buffer.from(JSON.stringify(['parley.v1', id, context]));

/** Secrets at rest. All keys of the config decrypt, the first one encrypts: rotation is putting a new one in front. */
export const createKeyring = (config: Pick<Config, 'secrets'>): Keyring => {
  const keys = new Map(config.secrets.encryptionKeys.map((entry) => [entry.id, entry.key]));
  const [current] = config.secrets.encryptionKeys;
  if (!current) throw new DecryptError('there is no key');

  const keyIdOf = (cipher: string): string => cipher.slice(0, Math.max(0, cipher.indexOf('.')));

  return {
    encrypt: (plain, context = '') => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(associated(current.id, context));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `${current.id}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    decrypt: (cipher, context = '') => {
      const id = keyIdOf(cipher);
      const key = keys.get(id);
      if (!key) throw new DecryptError('its key is not in ENCRYPTION_KEYS');
      const bytes = Buffer.from(cipher.slice(id.length + 1), 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new DecryptError('it is cut off');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(associated(id, context));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
        return Buffer.concat([body, decipher.final()]).toString('utf8');
      } catch {
        throw new DecryptError('it was altered, or belongs elsewhere');
      }
    },
    isStale: (cipher) => keyIdOf(cipher) !== current.id,
  };
};
