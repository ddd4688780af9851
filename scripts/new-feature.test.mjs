import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inRoot } from './lib/paths.mjs';
import { filesOf, linesOf } from './new-feature.mjs';

test('a new noun touches two lists and a migration outside of its own files', () => {
  const outside = [
    ...filesOf('saved-replies', '0099')
      .map(({ file }) => file)
      .filter((file) => !/\/saved-replies(?:\/|\.ts$)/.test(file)),
    ...linesOf('saved-replies').map(({ file }) => file),
  ];
  assert.deepEqual(outside, [
    'server/src/db/migrations/0099_saved_replies.sql',
    'packages/contract/src/nouns.ts',
    'server/src/features/index.ts',
  ]);
});

test('its lines go into the lists as they are today', () => {
  const changed = linesOf('saved-replies').map(({ file, change }) => change(readFileSync(inRoot(file), 'utf8')));
  assert.match(changed[0] ?? '', /^ {2}'saved-replies': \{ read: 'agent', write: 'admin' \},$/m);
  assert.match(changed[1] ?? '', /^import \{ savedReplies \} from '\.\/saved-replies\/feature\.ts';$/m);
  assert.match(changed[1] ?? '', /^ {2}savedReplies,$/m);
});

test('it speaks of one of them by its name, and imports what is there', () => {
  for (const { file, text } of filesOf('saved-replies')) {
    if (file.endsWith('commands.ts')) assert.match(text, /notFound\('The saved reply'\)/);
    for (const [, from = ''] of text.matchAll(/from '(\.\.\/\.\.\/[^']+)'/g))
      assert.ok(existsSync(inRoot(`server/src/${from.slice('../../'.length)}`)), `${file}: ${from}`);
  }
});
