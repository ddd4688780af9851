import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** A 256-bit key and the short name that ciphertexts carry, so that old ones stay readable after a rotation. */
export type EncryptionKey = { id: string; key: Buffer };

type Wrong = (variable: string, takes: string) => Error;

const keysTake = 'takes ID:KEY pairs separated by commas, KEY being 32 bytes in base64; the first one encrypts';
const jwtTakes = 'takes a random text of at least 32 characters';

const parseKeys = (value: string, wrong: Wrong): EncryptionKey[] => {
  const keys = value.split(',').map((pair) => {
    const [, id, encoded] = /^\s*([\w-]{1,32}):([A-Za-z0-9+/_-]{42,43}={0,2})\s*$/.exec(pair) ?? [];
    const key = Buffer.from(encoded ?? '', 'base64');
    if (!id || key.length !== 32) throw wrong('ENCRYPTION_KEYS', keysTake);
    return { id, key };
  });
  if (new Set(keys.map((key) => key.id)).size !== keys.length) throw wrong('ENCRYPTION_KEYS', keysTake);
  return keys;
};

const storedSecrets = z.object({ encryptionKeys: z.string(), jwtSecret: z.string() });

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Readable by its owner alone, even after somebody copied the folder carelessly. */
const readStored = (file: string, wrong: Wrong): z.infer<typeof storedSecrets> | undefined => {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw wrong('DATA_DIR', `takes a folder whose secrets.json can be read (${file})`);
  }
  try {
    return storedSecrets.parse(JSON.parse(content));
  } catch {
    // Making new keys here would make everything encrypted so far unreadable: a person has to look.
    throw wrong('DATA_DIR', `holds a damaged ${file}; restore it, or delete the folder to start over`);
  }
};

/** Makes the secrets once. Two processes may start together: the first link wins and both read it. */
const createStored = (folder: string, file: string, wrong: Wrong): void => {
  const secrets = {
    encryptionKeys: `k1:${randomBytes(32).toString('base64')}`,
    jwtSecret: randomBytes(48).toString('base64url'),
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    writeFileSync(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    try {
      linkSync(draft, file);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    } finally {
      unlinkSync(draft);
    }
  } catch {
    throw wrong('DATA_DIR', 'takes the path of a folder that can be written');
  }
};

/**
 * Secrets from the settings, or from `generateIn`/secrets.json (mode 0600), which is made when missing.
 * Without `generateIn` both settings are required: several processes must share them.
 */
export const loadSecrets = (options: {
  encryptionKeys: string | undefined;
  jwtSecret: string | undefined;
  generateIn: string | undefined;
  wrong: Wrong;
}): { encryptionKeys: EncryptionKey[]; jwtSecret: string } => {
  const { wrong, generateIn } = options;
  if (options.jwtSecret !== undefined && options.jwtSecret.length < 32) throw wrong('JWT_SECRET', jwtTakes);
  const given = options.encryptionKeys === undefined ? undefined : parseKeys(options.encryptionKeys, wrong);
  if (given && options.jwtSecret) return { encryptionKeys: given, jwtSecret: options.jwtSecret };
  if (generateIn === undefined) {
    if (!given) throw wrong('ENCRYPTION_KEYS', `is needed with DATABASE_URL and ${keysTake}`);
    throw wrong('JWT_SECRET', `is needed with DATABASE_URL and ${jwtTakes}`);
  }
  const file = join(generateIn, 'secrets.json');
  if (!readStored(file, wrong)) createStored(generateIn, file, wrong);
  const stored = readStored(file, wrong);
  if (!stored) throw wrong('DATA_DIR', 'takes the path of a folder that can be written');
  return {
    encryptionKeys: given ?? parseKeys(stored.encryptionKeys, wrong),
    jwtSecret: options.jwtSecret ?? stored.jwtSecret,
  };
};
