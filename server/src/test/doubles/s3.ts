import { createHash, createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { startHttpDouble } from './http-double.ts';
import type { DoubleRequest } from './http-double.ts';

/** Double of an S3 provider at the wire: one bucket, signatures checked, faults on demand. */
export type S3Double = {
  url: string;
  objects: Map<string, { bytes: Buffer; contentType: string }>;
  /** "PUT key", in order */
  calls: string[];
  /** The next `times` (1) requests meet the fault. */
  fail(fault: 'unavailable' | 'slow-down' | 'hang' | 'drop', times?: number): void;
  close(): Promise<void>;
};

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Signature Version 4, from the request as it arrived. */
function signatureOf(request: DoubleRequest, secret: string): { sent: string; right: string } {
  const match =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([\w-]+)\/s3\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=(\w+)$/.exec(
      request.headers['authorization'] ?? '',
    );
  const [, date = '', region = '', names = '', sent = ''] = match ?? [];
  const canonical = [
    request.method,
    request.path,
    [...request.query].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&'),
    ...names.split(';').map((name) => `${name}:${request.headers[name] ?? ''}`),
    '',
    names,
    request.headers['x-amz-content-sha256'] ?? '',
  ].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'] ?? '', scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), 's3'), 'aws4_request');
  return { sent, right: hmac(key, text).toString('hex') };
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

export async function startS3Double(options: { bucket: string; secretKey: string }): Promise<S3Double> {
  const objects: S3Double['objects'] = new Map();
  const calls: string[] = [];
  const faults: ('unavailable' | 'slow-down' | 'hang' | 'drop')[] = [];
  const prefix = `/${options.bucket}/`;

  const double = await startHttpDouble(async (request, response) => {
    const key = request.path.startsWith(prefix) ? request.path.slice(prefix.length) : undefined;
    calls.push(`${request.method} ${key ?? request.path}`);
    const fault = faults.shift();
    if (fault === 'hang') return;
    if (fault === 'drop') return void response.destroy();
    if (fault === 'unavailable') return refuse(response, 500, 'InternalError');
    if (fault === 'slow-down') return refuse(response, 503, 'SlowDown');
    const { sent, right } = signatureOf(request, options.secretKey);
    if (sent !== right) return refuse(response, 403, 'SignatureDoesNotMatch');
    if (sha256(request.rawBody) !== request.headers['x-amz-content-sha256']) {
      return refuse(response, 400, 'XAmzContentSHA256Mismatch');
    }
    if (request.method === 'HEAD' && !key && `${request.path}/`.startsWith(prefix)) {
      response.writeHead(200).end();
      return;
    }
    if (!key) return refuse(response, 404, 'NoSuchBucket');
    if (request.method === 'PUT') {
      objects.set(key, { bytes: request.rawBody, contentType: request.headers['content-type'] ?? '' });
      response.writeHead(200, { etag: '"1"' }).end();
      return;
    }
    if (request.method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    const found = objects.get(key);
    if (!found) return refuse(response, 404, 'NoSuchKey');
    response
      .writeHead(200, { 'content-type': found.contentType, 'content-length': String(found.bytes.length) })
      .end(found.bytes);
  });
  return {
    url: double.url,
    objects,
    calls,
    fail: (fault, times = 1) => void faults.push(...Array.from({ length: times }, () => fault)),
    close: double.close,
  };
}
