import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Verification, WebhookAnswer, WebhookRequest } from '../contract.ts';

type Secrets = { appSecret?: string; verifyToken?: string };

/** Bytes. The second look costs a stranger nothing and us a walk over every character. */
const REWRITTEN_AT_MOST = 256_000;

const same = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** Meta signs every request with the app's secret, and shakes hands by a GET that repeats the verify token. */
export function verify(request: WebhookRequest, { appSecret, verifyToken }: Secrets): Verification {
  if (request.method === 'GET') {
    const given = request.query['hub.verify_token'] ?? '';
    const shakesHands = request.query['hub.mode'] === 'subscribe' && !!verifyToken && same(given, verifyToken);
    return shakesHands ? { ok: true } : { ok: false, status: 403, reason: 'the verify token does not match' };
  }
  if (!appSecret) return { ok: false, status: 401, reason: 'no app secret is configured' };
  const signature = request.headers['x-hub-signature-256'] ?? '';
  if (!/^sha256=[0-9a-f]{64}$/.test(signature)) return { ok: false, status: 401, reason: 'there is no signature' };
  const signed = (body: Buffer | string): boolean =>
    same(signature, `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`);
  // Meta signs the escaped form. A proxy that wrote the characters out changed the bytes and nothing of what was signed.
  const mayBeRewritten = request.rawBody.length <= REWRITTEN_AT_MOST;
  if (signed(request.rawBody) || (mayBeRewritten && signed(escaped(request.rawBody)))) return { ok: true };
  return { ok: false, status: 401, reason: 'the signature does not match' };
}

const escaped = (body: Buffer): string =>
  body.toString('utf8').replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

export function respond({ method, query }: WebhookRequest): WebhookAnswer | undefined {
  if (method !== 'GET') return undefined;
  return { status: 200, contentType: 'text/plain; charset=utf-8', body: (query['hub.challenge'] ?? '').slice(0, 1000) };
}
