import type { ApiKey } from '@parley/contract';
import type { ApiKeyRow } from './queries.ts';

export const presentApiKey = ({ id, name, prefix, scopes, createdBy, createdAt, lastUsedAt }: ApiKeyRow): ApiKey => ({
  id,
  name,
  prefix,
  scopes,
  createdBy,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
});
