import { and, eq, isNull } from 'drizzle-orm';
import type { ApiKeyScope } from '@parley/contract';
import { apiKeys } from '../../db/schema/index.ts';
import { conflict, forbidden, notFound } from '../../platform/errors.ts';
import type { Actor } from '../../platform/http/index.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { countApiKeys, KEY_PREFIX } from './queries.ts';
import type { ApiKeyRow } from './queries.ts';
import { apiKeyFacts } from './facts.ts';

const KEYS_AT_MOST = 100;
/** Of the random part, enough to tell keys apart and far too little to guess the rest. */
const SHOWN = 4;

/**
 * Makes a key in the actor's name. `key` is told once and kept as a hash only.
 *
 * @throws forbidden for a scope the actor does not have; conflict when there are 100 keys
 */
export async function createApiKey(
  tx: Tx,
  actor: Actor,
  input: { name: string; scopes: ApiKeyScope[] },
): Promise<{ row: ApiKeyRow; key: string }> {
  const scopes = [...new Set(input.scopes)];
  const missing = scopes.filter((scope) => !actor.permissions.has(scope));
  if (missing.length > 0) throw forbidden(`You cannot give what you may not do: ${missing.join(', ')}.`);
  if ((await countApiKeys(tx)) >= KEYS_AT_MOST) throw conflict('There are 100 API keys. Revoke one first.');
  const key = `${KEY_PREFIX}${newToken(32)}`;
  const [made] = await tx
    .insert(apiKeys)
    .values({
      id: newId(),
      workspaceId: actor.workspaceId,
      name: input.name,
      prefix: key.slice(0, KEY_PREFIX.length + SHOWN),
      tokenHash: hashToken(key),
      scopes,
      createdBy: actor.userId,
      createdAt: tx.now,
    })
    .returning();
  if (!made) throw new Error('the key was not stored');
  await recordFacts(tx, [
    apiKeyFacts.make('api_key.created', {
      workspaceId: actor.workspaceId,
      subjectId: made.id,
      payload: { scopes, by: actor.userId },
    }),
  ]);
  return { row: { ...made, createdBy: { id: actor.userId, name: actor.name } }, key };
}

/** @throws not-found for a key that is revoked already */
export async function revokeApiKey(tx: Tx, actor: Actor, id: string): Promise<void> {
  const revoked = await tx
    .update(apiKeys)
    .set({ revokedAt: tx.now })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .returning({ id: apiKeys.id });
  if (revoked.length === 0) throw notFound('The API key');
  await recordFacts(tx, [
    apiKeyFacts.make('api_key.revoked', {
      workspaceId: actor.workspaceId,
      subjectId: id,
      payload: { by: actor.userId },
    }),
  ]);
}

/** Across workspaces (`asSystem`): it was used now. */
export async function noteApiKeyUse(tx: Tx, id: string): Promise<void> {
  await tx.update(apiKeys).set({ lastUsedAt: tx.now }).where(eq(apiKeys.id, id));
}
