import { expect, it } from 'vitest';
import { scopesByNoun } from './scopes.ts';

it('offers what somebody may do, by noun, and never keys themselves', () => {
  expect(scopesByNoun(['bots:read', 'api-keys:read', 'contacts:read', 'bots:write', 'api-keys:write'])).toEqual([
    {
      noun: 'bots',
      scopes: [
        { value: 'bots:read', verb: 'read' },
        { value: 'bots:write', verb: 'write' },
      ],
    },
    { noun: 'contacts', scopes: [{ value: 'contacts:read', verb: 'read' }] },
  ]);
  expect(scopesByNoun(['api-keys:write'])).toEqual([]);
});
