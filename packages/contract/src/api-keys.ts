import { z } from 'zod';
import { Id, Timestamp, line } from './common.ts';
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
