import { lookup as resolve } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { isPublicAddress } from './public-address.ts';

/** The address may not be called. The message is for whoever chose it, and says nothing of what is there. */
export class RefusedAddressError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RefusedAddressError';
  }
}

export type OutsideRequest = {
  method: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  /** of the answer, in bytes; the rest is not read (default 64 KiB) */
  readAtMost?: number;
};
export type OutsideAnswer = { status: number; headers: IncomingMessage['headers']; body: Buffer };

/** Calls addresses that customers chose. */
export type Outside = {
  /** @throws RefusedAddressError for an address that is refused whatever its name resolves to */
  check(url: string): void;
  /**
   * One request over a connection of its own. Redirects are not followed: the answer is the redirect.
   *
   * @throws RefusedAddressError; network errors; the signal's reason
   */
  request(url: string, options: OutsideRequest): Promise<OutsideAnswer>;
};

const READ_AT_MOST = 65_536;
const NOT_PUBLIC = 'The address is not on the public internet.';

/**
 * Guards against requests to what only this server can reach. The address is looked at where the connection is made, after
 * the name was resolved and with no look at the name afterwards, so that a name which changes its mind gains nothing. All
 * addresses of a name have to be public. `allowPrivate`: the operator wants their intranet called. `allowHttp`: without TLS.
 */
export function createOutside(rules: {
  allowPrivate: boolean;
  allowHttp: boolean;
  /** of the system unless told */
  resolveAll?: (host: string) => Promise<LookupAddress[]>;
}): Outside {
  const { allowPrivate, allowHttp, resolveAll = resolveBySystem } = rules;

  async function allowed(host: string): Promise<{ all: LookupAddress[]; first: LookupAddress }> {
    const all = await resolveAll(host);
    const [first] = all;
    if (!first || (!allowPrivate && !all.every(({ address }) => isPublicAddress(address))))
      throw new RefusedAddressError(NOT_PUBLIC);
    return { all, first };
  }

  const lookup: LookupFunction = (host, options, answer) => {
    allowed(host).then(
      ({ all, first }) => (options.all ? answer(null, all) : answer(null, first.address, first.family)),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };

  function parse(url: string): URL {
    if (!URL.canParse(url)) throw new RefusedAddressError('The address cannot be read.');
    const parsed = new URL(url);
    if (parsed.protocol !== 'https:' && !(allowHttp && parsed.protocol === 'http:'))
      throw new RefusedAddressError('The address must start with https://.');
    if (parsed.username || parsed.password) throw new RefusedAddressError('The address must not contain a user name.');
    // An address in numbers is never looked up, so the lookup above does not see it.
    const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
    if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw new RefusedAddressError(NOT_PUBLIC);
    return parsed;
  }

  return {
    check: (url) => void parse(url),
    request: (url, { method, headers, body, signal, readAtMost = READ_AT_MOST }) =>
      new Promise((fulfil, reject) => {
        const target = parse(url);
        const send = target.protocol === 'https:' ? requestHttps : requestHttp;
        const request = send(target, {
          method,
          headers: {
            ...headers,
            ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          },
          lookup,
          signal,
          // No connection is kept: one that was allowed once says nothing about where the name leads now.
          agent: false,
        });
        request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
        request.on('response', (response) => {
          const answer = (read: Buffer[]): void =>
            fulfil({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(read) });
          readSome(response, readAtMost).then(answer, (error: unknown) =>
            reject(signal.aborted ? signal.reason : error),
          );
        });
        request.end(body);
      }),
  };
}

async function readSome(response: IncomingMessage, atMost: number): Promise<Buffer[]> {
  const read: Buffer[] = [];
  let left = atMost;
  for await (const chunk of response) {
    const bytes: Buffer = Buffer.from(chunk);
    read.push(bytes.subarray(0, left));
    left -= bytes.length;
    // Leaving the loop destroys the connection.
    if (left <= 0) break;
  }
  return read;
}

const resolveBySystem = (host: string): Promise<LookupAddress[]> =>
  new Promise((fulfil, reject) =>
    resolve(host, { all: true, verbatim: true }, (error, addresses) => (error ? reject(error) : fulfil(addresses))),
  );
