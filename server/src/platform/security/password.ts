import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { unavailable } from '../errors.ts';

export type Passwords = {
  /** A PHC string: "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the one of the hash. For an account that does not exist pass undefined: it takes as long
   * and is false, so that the time does not tell which accounts exist.
   */
  verify(password: string, stored: string | undefined): Promise<boolean>;
  /** True when the hash was made with other parameters; hash again at the next login. */
  isStale(stored: string): boolean;
};

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_PASSWORD_BYTES = 1_024;

type Parameters = typeof PARAMETERS;
type Parsed = { parameters: Parameters; salt: Buffer; hash: Buffer };

const derive = (password: string, salt: Buffer, parameters: Parameters, length: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: password.normalize('NFKC'), nonce: salt, tagLength: length, ...parameters },
      (error, derived) => (error ? reject(error) : resolve(derived)),
    );
  });

const encode = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Undefined for what is no hash of ours, or asks for more work than we would ever do. */
const parse = (stored: string): Parsed | undefined => {
  const [, memory, passes, parallelism, salt, hash] = PHC.exec(stored) ?? [];
  if (!memory || !passes || !parallelism || !salt || !hash) return undefined;
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  if (parameters.memory > 262_144 || parameters.passes > 10 || parameters.passes < 1) return undefined;
  if (parameters.parallelism < 1 || parameters.memory < 8 * parameters.parallelism) return undefined;
  return { parameters, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
};

/** At most `concurrent` at once and `waiting` behind them; beyond that 503, so that logins cannot take the machine. */
const createGate = (concurrent: number, waiting: number) => {
  let running = 0;
  const queue: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= concurrent) {
      if (queue.length >= waiting) throw unavailable('Too many people are signing in. Try again in a moment.', 1);
      // The one that ends hands its place over, so `running` does not change here.
      await new Promise<void>((resolve) => queue.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
};

/** Hashing takes 19 MiB and a thread of the pool each time: hence the gate. */
export const createPasswords = (options: { concurrent?: number; waiting?: number } = {}): Passwords => {
  const gate = createGate(options.concurrent ?? 2, options.waiting ?? 64);
  const unknown: Parsed = { parameters: PARAMETERS, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };
  const isTooLong = (password: string): boolean => Buffer.byteLength(password) > MAX_PASSWORD_BYTES;

  return {
    hash: async (password) => {
      if (isTooLong(password)) throw new RangeError('the password is too long to hash');
      const salt = randomBytes(SALT_BYTES);
      const hash = await gate(() => derive(password, salt, PARAMETERS, HASH_BYTES));
      const { memory, passes, parallelism } = PARAMETERS;
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encode(salt)}$${encode(hash)}`;
    },
    verify: async (password, stored) => {
      if (isTooLong(password)) return false;
      const parsed = stored === undefined ? undefined : parse(stored);
      const { parameters, salt, hash } = parsed ?? unknown;
      const derived = await gate(() => derive(password, salt, parameters, hash.length));
      return timingSafeEqual(derived, hash) && parsed !== undefined;
    },
    isStale: (stored) => {
      const parameters = parse(stored)?.parameters;
      return (
        parameters?.memory !== PARAMETERS.memory ||
        parameters.passes !== PARAMETERS.passes ||
        parameters.parallelism !== PARAMETERS.parallelism
      );
    },
  };
};
