import type { ApiKeyScope, Permission } from '@parley/contract';
import { allScopes } from '@parley/contract/nouns';

export const verbs = ['read', 'write'] as const;
export type ScopeRow = { noun: string; scopes: Partial<Record<(typeof verbs)[number], ApiKeyScope>> };

const isScope = (permission: Permission): permission is ApiKeyScope => allScopes.some((scope) => scope === permission);

/** The permissions a person may give to a key: those of their own that keys may have, by noun. */
export function scopesByNoun(permissions: Permission[]): ScopeRow[] {
  const rows = new Map<string, ScopeRow>();
  for (const value of permissions.filter(isScope)) {
    const [noun = '', verb] = value.split(':');
    const row = rows.get(noun) ?? { noun, scopes: {} };
    row.scopes[verb === 'write' ? 'write' : 'read'] = value;
    rows.set(noun, row);
  }
  return [...rows.values()];
}
