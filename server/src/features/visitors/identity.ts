import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { visitorEvents } from '@parley/contract';
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { forbidden } from '../../platform/errors.ts';
import type { Introduction } from '../contacts/commands.ts';

type Said = z.output<(typeof visitorEvents)['customer:identify']>;

const Claims = z.object({
  sub: z.union([z.string(), z.number()]).transform(String).optional(),
  name: z.string().max(120).optional().catch(undefined),
  email: z.email().max(254).optional().catch(undefined),
  phone: z.string().max(40).optional().catch(undefined),
  attributes: z.record(z.string().max(60), z.union([z.string().max(500), z.number(), z.boolean(), z.null()])).catch({}),
});

/** @throws forbidden for a signature that does not prove the id: nothing of what came with it is believed or kept */
export async function readIdentity(said: Said, secret: string | null, now: Date): Promise<Introduction> {
  const { id = '', hash, jwt, name, email, phone, attributes } = said;
  const facts = { userId: id, name, email, phone, ...attributes };
  const unverified = Object.fromEntries(Object.entries(facts).flatMap(([key, value]) => (value ? [[key, value]] : [])));
  if (hash === undefined && jwt === undefined) return { unverified };
  if (id === '') throw forbidden('identify: a signature needs the id it is for.');
  if (secret === null) throw forbidden('identify: this inbox has no identity secret. Make one in its settings.');
  const { userId, ...rest } = unverified;
  const proven = jwt === undefined ? proveHash(id, hash ?? '', secret) : await proveToken(id, jwt, secret, now);
  const others = Object.entries(rest).filter(([key]) => !Object.hasOwn(proven, key));
  return { userId, proven, unverified: Object.fromEntries(others) };
}

/** The hash proves the id and nothing beside it. */
function proveHash(id: string, hash: string, secret: string): NonNullable<Introduction['proven']> {
  const right = createHmac('sha256', secret).update(id).digest('hex');
  const given = hash.toLowerCase();
  if (given.length === right.length && timingSafeEqual(Buffer.from(given), Buffer.from(right))) return {};
  throw forbidden('identify: the hash is not the HMAC-SHA256 of this id under the identity secret of this inbox.');
}

async function proveToken(
  id: string,
  jwt: string,
  secret: string,
  now: Date,
): Promise<NonNullable<Introduction['proven']>> {
  try {
    const key = createSecretKey(Buffer.from(secret, 'utf8'));
    const { payload } = await jwtVerify(jwt, key, {
      algorithms: ['HS256'],
      requiredClaims: ['exp', 'sub'],
      currentDate: now,
      clockTolerance: 60,
    });
    const { sub, attributes, ...facts } = Claims.parse(payload);
    if (sub !== id) throw forbidden('identify: the token is for another id.');
    return { ...facts, attributes };
  } catch (error) {
    if (error instanceof errors.JOSEError)
      throw forbidden(
        `identify: the token is refused (${error.code === 'ERR_JWT_EXPIRED' ? 'expired' : error.message}).`,
      );
    throw error;
  }
}
