/**
 * Double of the Telegram Bot API at the wire. It refuses what Telegram refuses (in Telegram's words), keeps what it
 * was told in order, and shows the faults a client must survive. Point `CHANNEL_TELEGRAM_API_URL` at `url`.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { answerJson, startHttpDouble, type DoubleRequest } from './http-double.ts';
import { methods, TelegramRefusal, type TelegramState } from './telegram-methods.ts';
import type { TelegramDoubleMessage } from './telegram-methods.ts';

export type { TelegramDoubleMessage } from './telegram-methods.ts';

export type TelegramFile = { name: string; mime: string; bytes: Buffer };

/** One call as it arrived; `refused` holds Telegram's description when it was not accepted. */
export type TelegramCall = {
  method: string;
  params: Record<string, unknown>;
  files: Record<string, TelegramFile>;
  refused?: string;
};

export type TelegramFault =
  | { kind: 'error'; code: number; description: string; parameters?: Record<string, unknown> }
  | { kind: 'rate-limit'; retryAfter: number }
  | { kind: 'blocked' }
  /** an HTML page of the proxy in front, as in real outages */
  | { kind: 'bad-gateway' }
  /** received and never answered */
  | { kind: 'hang' }
  /** the connection ends; `accepted` says whether the message went out before (the client cannot know) */
  | { kind: 'drop'; accepted: boolean };

export type TelegramDouble = {
  url: string;
  token: string;
  /** the token of another bot, each time */
  anotherToken(): string;
  /** every call, in order, refused ones too */
  calls: TelegramCall[];
  /** messages that reached a chat, in order; edits change them in place */
  messages: TelegramDoubleMessage[];
  /** what setWebhook left */
  webhook(): { url: string; secretToken?: string; allowedUpdates?: string[] } | undefined;
  /** The next `times` (default 1) calls of `method` (default: any) meet the fault. */
  fail(fault: TelegramFault, options?: { method?: string; times?: number }): void;
  /** Forgets the faults that have not come yet. */
  heal(): void;
  /** Makes a file downloadable through getFile. `size` may lie, to test the limit without the bytes. */
  addFile(fileId: string, bytes: Buffer, options?: { path?: string; size?: number }): void;
  blockedChats: Set<string>;
  unknownChats: Set<string>;
  /** old chat id → supergroup it became */
  migratedChats: Map<string, number>;
  /** Posts an update to the registered webhook the way Telegram does; resolves to the HTTP status it got. */
  deliver(update: unknown): Promise<number>;
  close(): Promise<void>;
};

export async function startTelegramDouble(
  options: {
    token?: string;
    username?: string;
    /** milliseconds a call takes, asked at each */
    takesMs?: (call: TelegramCall) => number;
  } = {},
): Promise<TelegramDouble> {
  const token = options.token ?? '7000000001:AAH-double-token-for-tests-only_0123456';
  // Further bots are of the same secret and another number.
  const isOurs = (given: string): boolean =>
    /^\d+$/.test(given.split(':')[0] ?? '') && given.split(':')[1] === token.split(':')[1];
  const faults: { fault: TelegramFault; method?: string; left: number }[] = [];
  let others = 1_000;
  const calls: TelegramCall[] = [];
  const state: TelegramState = {
    me: {
      id: Number(token.split(':')[0]),
      is_bot: true,
      first_name: 'Parley',
      username: options.username ?? 'parley_bot',
    },
    messages: [],
    files: new Map(),
    blockedChats: new Set(),
    unknownChats: new Set(),
    migratedChats: new Map(),
    webhook: undefined,
  };

  const server = await startHttpDouble(async (request, response) => {
    const download = /^\/file\/bot([^/]+)\/(.+)$/.exec(request.path);
    if (download) return sendFile(response, isOurs(download[1] ?? ''), state, decodeURIComponent(download[2] ?? ''));
    const match = /^\/bot([^/]+)\/([A-Za-z]+)$/.exec(request.path);
    if (!match) return refuse(response, 404, 'Not Found');
    const given = decodeURIComponent(match[1] ?? '');
    if (!isOurs(given)) return refuse(response, 401, 'Unauthorized');
    const call: TelegramCall = { method: match[2] ?? '', ...(await readParameters(request)) };
    calls.push(call);
    const takes = options.takesMs?.(call) ?? 0;
    if (takes > 0) await pause(takes);

    const planned = faults.find((entry) => entry.method === undefined || entry.method === call.method);
    if (planned) {
      planned.left -= 1;
      if (planned.left <= 0) faults.splice(faults.indexOf(planned), 1);
      if (planned.fault.kind === 'drop' && planned.fault.accepted) perform(state, call);
      return showFault(response, planned.fault, call);
    }
    try {
      const result = perform(state, call);
      const me = { ...state.me, ...(result as object), id: Number(given.split(':')[0]) };
      answerJson(response, 200, { ok: true, result: call.method === 'getMe' ? me : result });
    } catch (error) {
      if (!(error instanceof TelegramRefusal)) throw error;
      call.refused = error.message;
      refuse(response, error.code, error.message, error.parameters);
    }
  });

  return {
    url: server.url,
    token,
    anotherToken: () => `${Number(token.split(':')[0]) + (others += 1)}:${token.split(':')[1]}`,
    calls,
    messages: state.messages,
    webhook: () => state.webhook,
    fail: (fault, { method, times = 1 } = {}) => void faults.push({ fault, method, left: times }),
    heal: () => void faults.splice(0),
    addFile: (fileId, bytes, { path, size } = {}) =>
      void state.files.set(fileId, { path: path ?? `documents/${fileId}`, bytes, size: size ?? bytes.length }),
    blockedChats: state.blockedChats,
    unknownChats: state.unknownChats,
    migratedChats: state.migratedChats,
    deliver: async (update) => {
      if (!state.webhook) throw new Error('setWebhook was never called');
      const headers: Record<string, string> = { 'content-type': 'application/json' };
      if (state.webhook.secretToken) headers['x-telegram-bot-api-secret-token'] = state.webhook.secretToken;
      const answer = await fetch(state.webhook.url, { method: 'POST', headers, body: JSON.stringify(update) });
      await answer.arrayBuffer();
      return answer.status;
    },
    close: server.close,
  };
}

function perform(state: TelegramState, call: TelegramCall): unknown {
  const method = methods[call.method];
  if (!method) throw new TelegramRefusal(404, 'Not Found: method not found');
  return method(state, call);
}

function showFault(response: ServerResponse, fault: TelegramFault, call: TelegramCall): void {
  if (fault.kind === 'hang') return;
  if (fault.kind === 'drop') return void response.destroy();
  if (fault.kind === 'bad-gateway') {
    call.refused = 'Bad Gateway';
    const page = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';
    return void response.writeHead(502, { 'content-type': 'text/html' }).end(page);
  }
  const { code, description, parameters } = asError(fault);
  call.refused = description;
  refuse(response, code, description, parameters);
}

function asError(fault: Extract<TelegramFault, { kind: 'error' | 'rate-limit' | 'blocked' }>): {
  code: number;
  description: string;
  parameters?: Record<string, unknown>;
} {
  if (fault.kind === 'error') return fault;
  if (fault.kind === 'blocked') return { code: 403, description: 'Forbidden: bot was blocked by the user' };
  const description = `Too Many Requests: retry after ${fault.retryAfter}`;
  return { code: 429, description, parameters: { retry_after: fault.retryAfter } };
}

function refuse(
  response: ServerResponse,
  code: number,
  description: string,
  parameters?: Record<string, unknown>,
): void {
  answerJson(response, code, { ok: false, error_code: code, description, ...(parameters ? { parameters } : {}) });
}

function sendFile(response: ServerResponse, authorized: boolean, state: TelegramState, path: string): void {
  if (!authorized) return refuse(response, 401, 'Unauthorized');
  const file = [...state.files.values()].find((candidate) => candidate.path === path);
  if (!file) return refuse(response, 404, 'Not Found');
  response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file.bytes);
}

/** Query, JSON, form and multipart are all accepted by Telegram; structured values of a form are JSON inside. */
async function readParameters(
  request: DoubleRequest,
): Promise<{ params: Record<string, unknown>; files: Record<string, TelegramFile> }> {
  const params: Record<string, unknown> = Object.fromEntries(request.query);
  const files: Record<string, TelegramFile> = {};
  const type = request.headers['content-type'] ?? '';
  if (request.rawBody.length === 0) return { params, files };
  if (type.includes('application/json')) {
    Object.assign(params, JSON.parse(request.rawBody.toString('utf8')));
    return { params, files };
  }
  const form = await new Response(new Uint8Array(request.rawBody), { headers: { 'content-type': type } }).formData();
  for (const [name, value] of form) {
    if (typeof value === 'string') {
      params[name] = /^[[{]/.test(value) && name !== 'text' && name !== 'caption' ? JSON.parse(value) : value;
    } else {
      files[name] = { name: value.name, mime: value.type, bytes: Buffer.from(await value.arrayBuffer()) };
    }
  }
  return { params, files };
}
