import { createHash, createSecretKey } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Device } from './commands.ts';

/** Whence a request comes, as it says itself. */
export const deviceOf = ({ headers, ip }: Pick<FastifyRequest, 'headers' | 'ip'>): Device => ({
  userAgent: headers['user-agent']?.slice(0, 300) ?? null,
  ip,
});

const DAYS = 180;
const issuer = 'parley';
const audience = 'parley:device';
const Claims = z.object({ sub: z.uuid(), did: z.uuid() });

/** Several people may use one browser: each has a cookie of their own, whose name says nothing about them. */
const nameOf = (userId: string): string =>
  `parley_device_${createHash('sha256').update(userId).digest('hex').slice(0, 16)}`;

export type Devices = {
  /** The id of the device, if it signed in to this account before. */
  read(headers: IncomingHttpHeaders, userId: string): Promise<string | undefined>;
  /** A `set-cookie` that makes the browser known to this account. Opens nothing: it is a password that still has to be right. */
  cookie(userId: string, deviceId: string): Promise<string>;
};

export function createDevices({ jwtSecret, publicUrl }: { jwtSecret: string; publicUrl: string }): Devices {
  const key = createSecretKey(Buffer.from(jwtSecret, 'utf8'));
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  return {
    async read(headers, userId) {
      const name = `${nameOf(userId)}=`;
      const found = (headers.cookie ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .find((pair) => pair.startsWith(name));
      if (!found) return undefined;
      try {
        const options = { algorithms: ['HS256'], issuer, audience, requiredClaims: ['exp'] };
        const { payload } = await jwtVerify(found.slice(name.length), key, options);
        const { data } = Claims.safeParse(payload);
        return data?.sub === userId ? data.did : undefined;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
    async cookie(userId, deviceId) {
      const token = await new SignJWT({ did: deviceId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${DAYS} days`)
        .sign(key);
      const maxAge = DAYS * 86_400;
      return `${nameOf(userId)}=${token}; Path=/api/v1/auth; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`;
    },
  };
}
