import type { ApiKeyScope, Permission } from '@parley/contract';

export type ScopeRow = { noun: string; scopes: { value: ApiKeyScope; verb: 'read' | 'write' }[] };

const isScope = (permission: Permission): permission is ApiKeyScope => !permission.startsWith('api-keys:');

/** What somebody may give to a key of theirs: their own permissions, without those over keys, by what they are about. */
export function scopesByNoun(permissions: Permission[]): ScopeRow[] {
  const rows = new Map<string, ScopeRow>();
  for (const value of permissions.filter(isScope)) {
    const [noun = '', verb] = value.split(':');
    const row = rows.get(noun) ?? { noun, scopes: [] };
    row.scopes.push({ value, verb: verb === 'write' ? 'write' : 'read' });
    rows.set(noun, row);
  }
  return [...rows.values()];
}
