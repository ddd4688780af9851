import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { SealedSecret } from '../../db/schema/index.ts';
import type { Keyring } from '../../platform/security/crypto.ts';

// Real time (3): lifetimes of secrets and signatures.

const SECRET_BYTES = 32;
/** For how long a replaced secret signs beside the new one: the receiver has that long to learn it. */
const OLD_SECRET_HOURS = 24;
/** Whoever rotates again and again within a day keeps the newest. */
const SECRETS_AT_MOST = 3;

/** `whsec_` and random bytes in base64, as Standard Webhooks has it. */
const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

const isLive = (now: number) => (secret: SealedSecret) => secret.until === null || Date.parse(secret.until) > now;

/** The first secret of an endpoint. Sealed for it: copied to another row it opens nothing. */
export function firstSecret(keyring: Keyring, endpointId: string): { secret: string; kept: SealedSecret[] } {
  const secret = newSecret();
  return { secret, kept: [{ sealed: keyring.encrypt(secret, endpointId), until: null }] };
}

/** A new secret in front of the others, which end in a day. */
export function rotatedSecret(
  keyring: Keyring,
  endpointId: string,
  before: SealedSecret[],
): { secret: string; kept: SealedSecret[]; oldSecretUntil: Date } {
  const oldSecretUntil = new Date(Date.now() + OLD_SECRET_HOURS * 3_600_000);
  const { secret, kept } = firstSecret(keyring, endpointId);
  const old = before.filter(isLive(Date.now())).map(({ sealed, until }) => ({
    sealed,
    until: until ?? oldSecretUntil.toISOString(),
  }));
  return { secret, kept: [...kept, ...old].slice(0, SECRETS_AT_MOST), oldSecretUntil };
}

/**
 * The headers of one attempt: one signature for each live secret.
 *
 * @throws DecryptError when the key is gone
 */
export function signedHeaders(
  keyring: Keyring,
  endpoint: { id: string; secrets: SealedSecret[] },
  message: { id: string; body: string },
  at = new Date(),
): Record<string, string> {
  const signatures = endpoint.secrets
    .filter(isLive(at.getTime()))
    .map(({ sealed }) => new Webhook(keyring.decrypt(sealed, endpoint.id)).sign(message.id, at, message.body));
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
  };
}
