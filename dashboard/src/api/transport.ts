import type { Call, CountedCursorMeta, CursorMeta, Failure, PageMeta } from '@parley/contract';
import type { z } from 'zod';
import { ApiError } from './problem.ts';

/** What a call takes, as its declaration says; a query's empty values are left out of the address. */
export type Input<C extends Call> = (C extends { params: infer Params extends z.ZodType }
  ? { params: z.input<Params> }
  : { params?: never }) &
  (C extends { query: infer Query extends z.ZodType }
    ? { query?: { [Name in keyof z.input<Query>]?: z.input<Query>[Name] | null | undefined } }
    : { query?: never }) &
  (C extends { body: infer Body extends z.ZodType } ? { body: z.input<Body> } : { body?: never }) &
  (C extends { upload: string } ? { file: File } : { file?: never }) & { signal?: AbortSignal };

/** Nothing has to be given when nothing is asked for. */
export type Arguments<C extends Call> = object extends Input<C> ? [input?: Input<C>] : [input: Input<C>];

export type Paged<Item> = { items: Item[]; total: number };
export type Page<Item> = { items: Item[]; nextCursor: string | null };
export type CountedPage<Item> = Page<Item> & { total: number };

/** What a call answers, out of its envelope. */
export type Answer<C extends Call> =
  z.output<C['response']> extends { data: (infer Item)[]; meta: PageMeta }
    ? Paged<Item>
    : z.output<C['response']> extends { data: (infer Item)[]; meta: CountedCursorMeta }
      ? CountedPage<Item>
      : z.output<C['response']> extends { data: (infer Item)[]; meta: CursorMeta }
        ? Page<Item>
        : z.output<C['response']> extends { data: infer Data }
          ? Data
          : unknown;

/** The same without the types of one call, for what works on all of them. */
type Plain = string | number | boolean | null | undefined;
export type AnyInput = {
  params?: Record<string, Plain>;
  query?: Record<string, Plain>;
  body?: unknown;
  file?: File;
  signal?: AbortSignal;
};

export function address({ path }: Pick<Call, 'path'>, { params = {}, query = {} }: AnyInput = {}): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name] ?? '')));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  return `/api/v1${filled}${search.size > 0 ? `?${search}` : ''}`;
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

function bodyOf(input: AnyInput): string | FormData | null {
  if (input.file) {
    const form = new FormData();
    form.append('file', input.file);
    return form;
  }
  return input.body === undefined ? null : JSON.stringify(input.body);
}

/** One call without retries: the raw answer, or an ApiError (status 0 when the server was not reached). */
export async function fetchRaw(declared: Call, input: AnyInput, token: string | null): Promise<Response> {
  const headers = new Headers();
  // The language of the page, which is not always the browser's: mails are written in it.
  headers.set('accept-language', document.documentElement.lang || 'en');
  if (token) headers.set('authorization', `Bearer ${token}`);
  if (input.body !== undefined) headers.set('content-type', 'application/json');
  const init: RequestInit = { method: declared.method, headers, body: bodyOf(input) };
  if (input.signal) init.signal = input.signal;
  let response: Response;
  try {
    response = await fetch(address(declared, input), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'offline', 'The server cannot be reached');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

type Envelope = { data: unknown; meta?: Partial<PageMeta & CursorMeta> };

/** One call whose answer is parsed: what is not as declared is an error here, not a surprise on a screen. */
export async function send<C extends Call>(declared: C, input: Input<C>, token: string | null): Promise<Answer<C>> {
  const response = await fetchRaw(declared, input, token);
  const parsed = declared.response.safeParse(await response.json().catch(() => null));
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    const message = `${declared.method} ${declared.path} answers something else than declared: ${where}`;
    throw new ApiError(response.status, 'unexpected_answer', message, [], response.headers.get('x-request-id'));
  }
  const { data, meta } = parsed.data as Envelope;
  return (meta ? { items: data, ...meta } : data) as Answer<C>;
}
