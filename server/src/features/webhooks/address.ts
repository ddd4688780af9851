import { DecryptError } from '../../platform/security/crypto.ts';
import type { Keyring } from '../../platform/security/crypto.ts';

/** Addresses of webhooks carry tokens in their paths as often as not, so they are kept and shown like secrets. */

/** A shorter path or query shows nothing of itself: four characters of it would be too much. */
const SHOWS_ITS_END = 12;
const HIDDEN = '…';

const contextOf = (endpointId: string): string => `${endpointId}:url`;

/** Rows that an earlier version made hold the address itself; no sealed one has a colon. */
const isPlain = (stored: string): boolean => /^https?:/i.test(stored);

export const sealAddress = (keyring: Keyring, endpointId: string, url: string): string =>
  keyring.encrypt(url, contextOf(endpointId));

/** @throws DecryptError when the key is gone */
export const openAddress = (keyring: Keyring, endpointId: string, stored: string): string =>
  isPlain(stored) ? stored : keyring.decrypt(stored, contextOf(endpointId));

/** What to keep instead, when it is not sealed under the newest key. One that no key opens stays as it is. */
export function resealed(keyring: Keyring, endpointId: string, stored: string): string | undefined {
  if (!isPlain(stored) && !keyring.isStale(stored)) return undefined;
  try {
    return sealAddress(keyring, endpointId, openAddress(keyring, endpointId, stored));
  } catch (error) {
    if (error instanceof DecryptError) return undefined;
    throw error;
  }
}

/** `https://host/…abcd`: what tells one address from another and opens nothing. */
export function maskAddress(url: string): string {
  const { origin, pathname, search, hash } = new URL(url);
  const rest = `${pathname}${search}${hash}`.slice(1);
  if (rest === '') return `${origin}/`;
  return `${origin}/${HIDDEN}${rest.length < SHOWS_ITS_END ? '' : rest.slice(-4)}`;
}

/** As people see it; of one that no key opens any more, that there is one. */
export function showAddress(keyring: Keyring, endpointId: string, stored: string): string {
  try {
    return maskAddress(openAddress(keyring, endpointId, stored));
  } catch (error) {
    if (error instanceof DecryptError) return HIDDEN;
    throw error;
  }
}

export const isMasked = (url: string): boolean => url.includes(HIDDEN);
