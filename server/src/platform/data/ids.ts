import { createHash, randomBytes, randomFillSync } from 'node:crypto';

/**
 * UUID version 7 (RFC 9562): 48 bits of milliseconds, then a counter, then randomness.
 * The counter (method 1 of section 6.2, 12 bits of rand_a) keeps ids of one process in the order they were made,
 * so that "order by id" is the order of creation even within a millisecond.
 */
const createIdSource = (clock: () => number, random: (bytes: number) => Buffer) => {
  let lastMillisecond = 0;
  let counter = 0;
  return (): string => {
    const now = clock();
    const bytes = random(16);
    if (now > lastMillisecond) {
      lastMillisecond = now;
      // Starts in the lower half, which leaves room to count up within the millisecond.
      counter = bytes.readUInt16BE(6) & 0x7ff;
    } else if (++counter > 0xfff) {
      // The counter is full, or the clock went backwards for long: borrow a millisecond from the future.
      lastMillisecond += 1;
      counter = 0;
    }
    bytes.writeUIntBE(lastMillisecond, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
};

export { createIdSource };

const POOL = Buffer.alloc(4096);
let taken = POOL.length;

/** Randomness in small pieces from one large draw: a draw costs the same for 16 bytes as for 4096. */
const pooledBytes = (bytes: number): Buffer => {
  if (taken + bytes > POOL.length) {
    randomFillSync(POOL);
    taken = 0;
  }
  // A copy: the piece is written into by its taker.
  const piece = Buffer.from(POOL.subarray(taken, taken + bytes));
  POOL.fill(0, taken, taken + bytes);
  taken += bytes;
  return piece;
};

let time: () => number = Date.now;
/** Ids of this process carry the time of this clock from here on; for the clock of tests. */
export const idsFollow = (milliseconds: () => number): void => void (time = milliseconds);

/** A new id for a row: UUID v7, lower case. */
export const newId: () => string = createIdSource(() => time(), pooledBytes);

/** Not after any id made at this moment or later, and after every id made before: the bound of a range of time. */
export const firstIdOf = (moment: Date): string => {
  const hex = moment.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
};

/** A secret nobody can guess, base64url without padding; `bytes` of randomness (24 → 32 characters). */
export const newToken = (bytes = 24): string => randomBytes(bytes).toString('base64url');

/** How tokens are stored and looked up: SHA-256 in hex. Only for tokens of high entropy, never for passwords. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');
