import type { Failure } from '@parley/contract';
import { ApiError } from './problem.ts';

export type Query = Record<string, string | number | boolean | null | undefined>;
export type SendOptions = {
  body?: unknown;
  form?: FormData;
  query?: Query;
  signal?: AbortSignal;
  token?: string | null;
};
export type Answer<Data, Meta = undefined> = { data: Data; meta: Meta };

export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return `/api/v1${path}${text ? `?${text}` : ''}`;
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === 'object' && value !== null && 'success' in value && value.success === false && 'error' in value;

async function problemOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get('x-request-id');
  // What is no JSON is not ours: the page of a proxy in between.
  const body: unknown = await response.json().catch(() => null);
  if (!isFailure(body)) return new ApiError(response.status, 'unreadable', response.statusText, [], requestId);
  const { code, message, details } = body.error;
  return new ApiError(response.status, code, message, details ?? [], requestId);
}

/** One call without retries: the raw answer, or an ApiError (status 0 when the server was not reached). */
export async function fetchRaw(method: string, path: string, options: SendOptions = {}): Promise<Response> {
  const headers = new Headers();
  if (options.token) headers.set('authorization', `Bearer ${options.token}`);
  if (options.body !== undefined) headers.set('content-type', 'application/json');
  const init: RequestInit = {
    method,
    headers,
    body: options.form ?? (options.body === undefined ? null : JSON.stringify(options.body)),
  };
  if (options.signal) init.signal = options.signal;
  let response: Response;
  try {
    response = await fetch(address(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'offline', 'The server cannot be reached');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** One call that answers with the envelope. The shapes are the contract's, which the same repository's server is held to. */
export async function send<Data, Meta = undefined>(
  method: string,
  path: string,
  options: SendOptions = {},
): Promise<Answer<Data, Meta>> {
  const response = await fetchRaw(method, path, options);
  if (response.status === 204) throw new ApiError(204, 'empty', 'The answer has no body');
  const body = (await response.json()) as { data: Data; meta: Meta };
  return { data: body.data, meta: body.meta };
}
