import { type Call, filesApi } from '@parley/contract';
import { ApiError, statusOf } from './problem.ts';
import { currentAccessToken, endSignIn, refreshAccess } from './session.ts';
import { type Answer, type AnyInput, type Arguments, fetchRaw, type Input, send } from './transport.ts';

/**
 * Runs a call with the access token; an expired one is renewed once and the call repeated. Whatever is refused with a fresh one
 * ends the sign-in.
 */
async function authorized<T>(run: (token: string | null) => Promise<T>): Promise<T> {
  const token = currentAccessToken() ?? (await refreshAccess());
  if (!token) throw new ApiError(401, 'unauthorized', 'Not signed in');
  try {
    return await run(token);
  } catch (error) {
    if (statusOf(error) !== 401) throw error;
    // Another call may have renewed it while this one was under way.
    const current = currentAccessToken();
    const renewed = current === token ? await refreshAccess() : current;
    if (!renewed) throw error;
    return run(renewed).catch((failure: unknown) => {
      if (statusOf(failure) === 401) endSignIn();
      throw failure;
    });
  }
}

/** Makes a declared call: `call(botsApi.update, { params: { id }, body: { name } })`. Refusals are thrown as ApiError. */
export const call = <C extends Call>(declared: C, ...[input = {} as Input<C>]: Arguments<C>): Promise<Answer<C>> =>
  callWith(declared, input);

/** The same where the input is there, also when it may be left out: for what makes calls of any declaration. */
export function callWith<C extends Call>(declared: C, input: Input<C>): Promise<Answer<C>> {
  if (declared.permission === 'public') return send(declared, input, null);
  return authorized((token) => send(declared, input, token));
}

/** A call that answers a list in pages, by number or by cursor. */
export type ListCall<C extends Call> = Answer<C> extends { items: unknown[] } ? C : never;
export type Item<C extends Call> = Answer<C> extends { items: (infer Each)[] } ? Each : never;

const pageSize = 100;
const idOf = (item: unknown): unknown =>
  typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined;

/** Every item of a list, page after page to the end. What moves to another page meanwhile comes once. */
export async function callAll<C extends Call>(declared: C & ListCall<C>, input: Input<C>): Promise<Item<C>[]> {
  const found = new Map<unknown, unknown>();
  const { query, ...rest } = input as AnyInput;
  let next: { page: number } | { cursor: string } | null = { page: 1 };
  for (let number = 1; next; number += 1) {
    const first = number === 1 ? {} : next;
    const asked: AnyInput = { ...rest, query: { ...query, limit: pageSize, ...first } };
    const { items, ...meta } = (await call<Call>(declared, asked as Input<Call>)) as {
      items: unknown[];
      total?: number;
      nextCursor?: string | null;
    };
    for (const item of items) found.set(idOf(item) ?? found.size, item);
    const more = meta.nextCursor ?? (meta.total !== undefined && items.length > 0 && number * pageSize < meta.total);
    next = typeof more === 'string' ? { cursor: more } : more ? { page: number + 1 } : null;
  }
  return [...found.values()] as Item<C>[];
}

/** The content of a stored file as text. */
export const fileText = (id: string): Promise<string> =>
  authorized(async (token) => (await fetchRaw(filesApi.download, { params: { id } }, token)).text());

/** Files are behind the same authorization as everything else, so a link is fetched and handed to the browser as a download. */
export async function downloadFile({ id, name }: { id: string; name: string }): Promise<void> {
  const response = await authorized((token) => fetchRaw(filesApi.download, { params: { id } }, token));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
