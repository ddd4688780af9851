/** One call of the Graph API. The token stands in a header; it is taken out of whatever Meta says before it is shown. */
import { z } from 'zod';
import { AppError, badRequest, tooMany, unavailable } from '../../platform/errors.ts';
import type { ChannelHttp } from '../contract.ts';
import type { WhatsappCredentials } from './credentials.ts';

const VERSION = '/v25.0';

const refusal = z.object({
  error: z.object({
    message: z.string().optional(),
    code: z.int(),
    is_transient: z.boolean().optional(),
    error_data: z.object({ details: z.string().optional() }).nullish(),
    error_user_msg: z.string().optional(),
  }),
});

export type GraphRefusal = {
  ok: false;
  status: number;
  /** Meta's code; 0 when the answer was not Meta's */
  code: number;
  words: string;
  retryAfterSeconds?: number;
  isTransient: boolean;
};
export type GraphAnswer = { ok: true; result: unknown } | GraphRefusal;

type Request = { method: 'GET' | 'POST'; json?: Record<string, unknown>; form?: FormData; timeoutMs?: number };

/** Throws AppError `unavailable` when there is no answer. */
export async function callGraph(
  path: string,
  request: Request,
  credentials: WhatsappCredentials,
  http: ChannelHttp,
): Promise<GraphAnswer> {
  const { method, json, form, timeoutMs } = request;
  const answer = await reach(http, VERSION + path, {
    method,
    headers: { ...authorization(credentials), ...(json ? { 'content-type': 'application/json' } : {}) },
    ...(json ? { body: JSON.stringify(json) } : form ? { body: form } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const body = read(answer.body);
  if (answer.status < 300 && body !== undefined) return { ok: true, result: body };
  const said = refusal.safeParse(body);
  const seconds = Number(answer.headers['retry-after']);
  const common = { ok: false as const, ...(seconds > 0 ? { retryAfterSeconds: seconds } : {}) };
  if (!said.success) {
    // Not Meta's words: a proxy's page, or an outage. Its status still says whether to come again.
    const status = answer.status < 400 ? 502 : answer.status;
    return {
      ...common,
      status,
      code: 0,
      words: `an answer that is not WhatsApp's (status ${answer.status})`,
      isTransient: false,
    };
  }
  const { error } = said.data;
  const words = error.error_data?.details ?? error.error_user_msg ?? error.message ?? `error ${error.code}`;
  return {
    ...common,
    status: answer.status < 400 ? 502 : answer.status,
    code: error.code,
    words: withoutSecrets(words, credentials),
    isTransient: error.is_transient === true,
  };
}

/** Bytes from an address Meta handed out; wanted with the token, and only ever asked of hosts of Meta's. */
export async function download(
  url: string,
  credentials: WhatsappCredentials,
  http: ChannelHttp,
): Promise<{ status: number; bytes: Buffer; mime: string | undefined }> {
  const answer = await reach(http, url, { method: 'GET', headers: authorization(credentials), timeoutMs: 60_000 });
  return { status: answer.status, bytes: answer.body, mime: answer.headers['content-type'] };
}

const authorization = ({ accessToken }: WhatsappCredentials) => ({ authorization: `Bearer ${accessToken}` });

async function reach(http: ChannelHttp, path: string, init: Parameters<ChannelHttp['fetch']>[1]) {
  try {
    return await http.fetch(path, init);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unavailable('WhatsApp cannot be reached at present.');
  }
}

function read(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) ?? undefined;
  } catch {
    return undefined;
  }
}

const withoutSecrets = (text: string, { accessToken, appSecret, verifyToken }: WhatsappCredentials): string =>
  [accessToken, appSecret, verifyToken].reduce((clean, secret) => clean.replaceAll(secret, '…'), text).slice(0, 500);

const ACCOUNT = new Set([0, 3, 10, 190, 368, 131005, 131031, 131042, 131045, 133010]);
/** About the token or the account: nothing goes out until a person has seen to it. */
export const isAboutAccount = ({ code, status }: GraphRefusal): boolean =>
  status === 401 || (code >= 200 && code <= 299) || (status < 500 && code !== 0 && ACCOUNT.has(code));

/** What a person who connects, or asks for templates, is told. */
export function refused(answer: GraphRefusal, what: string): AppError {
  if (answer.status === 429) return tooMany(answer.retryAfterSeconds ?? 1);
  if (answer.status >= 500) return unavailable('WhatsApp cannot be reached at present.', answer.retryAfterSeconds);
  if (answer.code === 190 || answer.status === 401) {
    return badRequest('WhatsApp does not accept the access token. Make a new one for a system user.', [
      { field: 'credentials.accessToken', message: 'is not accepted by WhatsApp' },
    ]);
  }
  return badRequest(`${what}: ${answer.words}`);
}
