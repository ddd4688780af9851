/** A channel's door to the network: one attempt with timeout and breaker, no redirects, a bounded answer. */
import type { Attachment } from '@parley/contract';
import { HttpStatusError, readRetryAfter, type Outbound } from '../platform/outbound/breaker.ts';
import { badRequest, tooLarge } from '../platform/errors.ts';
import { traceHeaders } from '../platform/telemetry/tracing.ts';
import type { Channel, ChannelHttp } from './contract.ts';

const TIMEOUT_MS = 15_000;
/** above the largest file a channel fetches (20 MB) */
const MAX_ANSWER = 25 * 1024 * 1024;

type Answer = Awaited<ReturnType<ChannelHttp['fetch']>>;

/** Thrown through the breaker so that it counts the failure, and turned back into the answer behind it. */
class IllAnswer extends HttpStatusError {
  readonly answer: Answer;
  constructor(answer: Answer, retryAfterSeconds: number | undefined) {
    super(answer.status, '', retryAfterSeconds);
    this.answer = answer;
  }
}

/**
 * `baseUrl` is scheme and host (a path of it is kept). Where it is not the platform's own, the platform's hosts are meant
 * by it, too: a stand-in or a proxy gets every call, and a token never goes anywhere else.
 */
export function createChannelHttp(parts: {
  channel: Pick<Channel, 'name' | 'api'>;
  baseUrl: string;
  outbound: Pick<Outbound, 'call'>;
  readFile: (attachment: Attachment) => Promise<Buffer>;
}): ChannelHttp {
  const baseUrl = parts.baseUrl.replace(/\/+$/, '');
  const base = new URL(baseUrl);
  const hosts = parts.channel.api?.hosts ?? [];
  const isOwn = hosts.length === 0 || hosts.includes(base.host);

  function addressOf(path: string): { url: string; host: string } {
    if (!/^[a-z][a-z0-9+.-]*:/i.test(path)) return { url: baseUrl + path, host: base.host };
    const url = URL.canParse(path) ? new URL(path) : undefined;
    if (!url || !(url.host === base.host || (url.protocol === 'https:' && hosts.includes(url.host)))) {
      throw badRequest('The platform named an address that is none of its own.');
    }
    return isOwn ? { url: url.href, host: url.host } : { url: baseUrl + url.pathname + url.search, host: base.host };
  }

  return {
    baseUrl,
    readFile: parts.readFile,
    fetch: async (path, { method, headers, body, timeoutMs = TIMEOUT_MS }) => {
      const { url, host } = addressOf(path);
      const attempt = async (signal: AbortSignal): Promise<Answer> => {
        const response = await fetch(url, {
          method,
          signal,
          // A redirect would carry credentials that stand in the path or a header to somebody else.
          redirect: 'manual',
          headers: { ...headers, ...traceHeaders(url) },
          ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : body }),
        });
        const answer = {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: await readBounded(response),
        };
        if (answer.status < 500) return answer;
        throw new IllAnswer(answer, readRetryAfter(response.headers.get('retry-after')));
      };
      try {
        return await parts.outbound.call(`channel:${parts.channel.name}:${host}`, attempt, { timeoutMs, attempts: 1 });
      } catch (error) {
        if (error instanceof IllAnswer) return error.answer;
        throw error;
      }
    },
  };
}

async function readBounded(response: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.byteLength;
    if (size > MAX_ANSWER) throw tooLarge('The platform answered with more than Parley takes.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
