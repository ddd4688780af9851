import type { z } from 'zod';
import type { Permission } from './people.ts';

/** One call of the REST API under /api/v1, from which clients know how to make it and what comes back. */
export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** with `:name` for each parameter */
  path: `/${string}`;
  /** what the caller needs: a permission, the login of a person, or nothing */
  permission: Permission | 'signed-in' | 'public';
  summary: string;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  /** multipart with one file in the field `file` instead of a body */
  upload?: 'attachment' | 'document';
  /** needs the token of a visitor instead of a login */
  visitor?: true;
  /** of the answer, when it is not 200 */
  status?: 201;
  /** the whole answer: `success`, `paged` or `cursored` around what is asked for, or `FileBytes` */
  response: z.ZodType;
};

type Details = Omit<Call, 'method' | 'path' | 'permission'>;

const declareWith =
  <const Method extends Call['method']>(method: Method) =>
  <const Path extends Call['path'], const Rest extends Details>(
    path: Path,
    permission: Call['permission'],
    rest: Rest,
  ): { method: Method; path: Path; permission: Call['permission'] } & Rest => ({ method, path, permission, ...rest });

export const get = declareWith('GET');
export const post = declareWith('POST');
export const put = declareWith('PUT');
export const patch = declareWith('PATCH');
export const remove = declareWith('DELETE');

/** The calls of one noun. `tag` is its heading in the API reference. */
export const api = <const Calls extends Record<string, Call>>(
  tag: string,
  calls: Calls,
): { readonly [Name in keyof Calls]: Calls[Name] & { tag: string } } => {
  const tagged = Object.entries(calls).map(([name, call]) => [name, { ...call, tag }]);
  return Object.fromEntries(tagged) as { [Name in keyof Calls]: Calls[Name] & { tag: string } };
};
