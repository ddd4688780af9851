import { ApiError, statusOf } from './problem.ts';
import { currentAccessToken, refreshAccess } from './session.ts';
import { type Answer, fetchRaw, send, type SendOptions } from './transport.ts';

type Options = Omit<SendOptions, 'token'>;

/** Runs a call with the access token; an expired one is renewed once and the call repeated. */
async function authorized<T>(call: (token: string | null) => Promise<T>): Promise<T> {
  const token = currentAccessToken() ?? (await refreshAccess());
  if (!token) throw new ApiError(401, 'unauthorized', 'Not signed in');
  try {
    return await call(token);
  } catch (error) {
    if (statusOf(error) !== 401) throw error;
    const renewed = await refreshAccess();
    if (!renewed) throw error;
    return call(renewed);
  }
}

export const request = <Data, Meta = undefined>(
  method: string,
  path: string,
  options: Options = {},
): Promise<Answer<Data, Meta>> => authorized((token) => send<Data, Meta>(method, path, { ...options, token }));

export const get = async <Data>(path: string, options: Options = {}): Promise<Data> =>
  (await request<Data>('GET', path, options)).data;
export const post = async <Data>(path: string, body: unknown = {}): Promise<Data> =>
  (await request<Data>('POST', path, { body })).data;
export const patch = async <Data>(path: string, body: unknown): Promise<Data> =>
  (await request<Data>('PATCH', path, { body })).data;
export const put = async <Data>(path: string, body: unknown): Promise<Data> =>
  (await request<Data>('PUT', path, { body })).data;
export const remove = async (path: string): Promise<void> => {
  await authorized((token) => fetchRaw('DELETE', path, { token }));
};
export const upload = async <Data>(path: string, file: File): Promise<Data> => {
  const form = new FormData();
  form.append('file', file);
  return (await request<Data>('POST', path, { form })).data;
};

/** The content of a stored file as text. */
export const text = (path: string): Promise<string> =>
  authorized(async (token) => (await fetchRaw('GET', path, { token })).text());

/** Files are behind the same authorization as everything else, so a link is fetched and handed to the browser as a download. */
export async function download(path: string, name: string): Promise<void> {
  const response = await authorized((token) => fetchRaw('GET', path, { token }));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
