import { and, asc, count, eq, isNull, sql } from 'drizzle-orm';
import type { ApiKeyScope } from '@parley/contract';
import { apiKeys } from '../../db/schema/index.ts';
import { hashToken } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { findNames } from '../members/queries.ts';

/** Every key begins like this, so that people and secret scanners recognise one. */
export const KEY_PREFIX = 'parley_';

export type ApiKeyRow = {
  id: string;
  name: string;
  prefix: string;
  scopes: ApiKeyScope[];
  createdBy: { id: string; name: string };
  createdAt: Date;
  lastUsedAt: Date | null;
};

/** The keys of the workspace that open something, oldest first. */
export async function listApiKeys(
  tx: Tx,
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: ApiKeyRow[]; total: number }> {
  const { id, name, prefix, scopes, createdBy, createdAt, lastUsedAt } = apiKeys;
  const found = await tx
    .select({ id, name, prefix, scopes, createdBy, createdAt, lastUsedAt })
    .from(apiKeys)
    .where(isNull(apiKeys.revokedAt))
    .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id))
    .limit(limit)
    .offset((page - 1) * limit);
  const names = await findNames(tx, [...new Set(found.map((key) => key.createdBy))]);
  const rows = found.map((key) => ({ ...key, createdBy: { id: key.createdBy, name: names.get(key.createdBy) ?? '' } }));
  return { rows, total: await countApiKeys(tx) };
}

export async function countApiKeys(tx: Tx): Promise<number> {
  const [counted] = await tx.select({ total: count() }).from(apiKeys).where(isNull(apiKeys.revokedAt));
  return counted?.total ?? 0;
}

/** Across workspaces (`asSystem`): what a key opens and in whose name. Undefined for one that opens nothing. */
export async function findApiKey(tx: Tx, key: string) {
  const { id, workspaceId, scopes, createdBy } = apiKeys;
  const usedLately = sql<boolean>`coalesce(${apiKeys.lastUsedAt} > ${tx.now}::timestamptz - interval '1 minute', false)`;
  const [row] = await tx
    .select({ id, workspaceId, scopes, createdBy, usedLately })
    .from(apiKeys)
    .where(and(eq(apiKeys.tokenHash, hashToken(key)), isNull(apiKeys.revokedAt)));
  return row;
}
