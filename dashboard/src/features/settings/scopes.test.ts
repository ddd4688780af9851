import { expect, it } from 'vitest';
import { scopesByNoun } from './scopes.ts';

it('offers what somebody may do, by noun, and never keys themselves or the installation', () => {
  expect(scopesByNoun(['bots:read', 'api-keys:read', 'contacts:read', 'bots:write', 'queues:read'])).toEqual([
    { noun: 'bots', scopes: { read: 'bots:read', write: 'bots:write' } },
    { noun: 'contacts', scopes: { read: 'contacts:read' } },
  ]);
  expect(scopesByNoun(['api-keys:write', 'queues:write'])).toEqual([]);
});
