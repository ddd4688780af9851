import { z } from 'zod';
import { Id, Timestamp, line, PageQuery, paged, success, IdParams, Done } from './common.ts';
import { api, get, post, remove } from './declare.ts';
import { allScopes } from './nouns.ts';

export const ApiKeyScope = z.enum(allScopes);
export type ApiKeyScope = z.infer<typeof ApiKeyScope>;

export const ApiKeyInput = z
  .strictObject({ name: line(80), scopes: z.array(ApiKeyScope).min(1).max(ApiKeyScope.options.length) })
  .meta({ examples: [{ name: 'Reports', scopes: ['conversations:read', 'contacts:read'] }] });

export const ApiKey = z.object({
  id: Id,
  name: z.string(),
  /** how the key begins, to recognise it by */
  prefix: z.string(),
  scopes: z.array(ApiKeyScope),
  /** in whose name it acts */
  createdBy: z.object({ id: Id, name: z.string() }),
  createdAt: Timestamp,
  /** to the minute; null when it was never used */
  lastUsedAt: Timestamp.nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;
/** `key` is shown once; only its hash is kept. */
export const ApiKeyCreated = ApiKey.extend({ key: z.string() });
export type ApiKeyCreated = z.infer<typeof ApiKeyCreated>;

export const apiKeysApi = api('API keys', {
  list: get('/api-keys', 'api-keys:read', { summary: 'List API keys', query: PageQuery, response: paged(ApiKey) }),
  create: post('/api-keys', 'api-keys:write', {
    summary: 'Create an API key',
    body: ApiKeyInput,
    status: 201,
    response: success(ApiKeyCreated),
  }),
  remove: remove('/api-keys/:id', 'api-keys:write', {
    summary: 'Revoke an API key',
    params: IdParams,
    response: success(Done),
  }),
});
