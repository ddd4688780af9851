import assert from 'node:assert/strict';
import { test } from 'node:test';
import ts from 'typescript';
import { unreadFields } from './readers.mjs';

test('a field that is only filled in is found, one that is read is not', () => {
  /** @type {Record<string, string>} */
  const texts = {
    '/types.ts': 'export type Event = { read: string; taken: string; filled: string; inside?: { deep: number } };',
    '/adapter.ts':
      "import type { Event } from './types.ts'; export const made: Event = { read: '', taken: '', filled: '' }; export const own = made.filled;",
    '/product.ts':
      "import type { Event } from './types.ts'; export const use = (event: Event) => { const { taken } = event; return taken + event.read; };",
  };
  const unread = unreadFields({
    files: Object.keys(texts),
    options: {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      noEmit: true,
      noLib: true,
    },
    file: '/types.ts',
    reads: (name) => name === '/product.ts',
    text: (name) => texts[name],
  });
  assert.deepEqual(unread, ['1: filled', '1: inside']);
});
