import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { check, resolveConfig } from 'prettier';
import ts from 'typescript';
import { arrowsOf, offence } from './arrows.mjs';
import { otherClocks } from './clocks.mjs';
import { oneOf } from './lib/noun-names.mjs';
import { inRoot } from './lib/paths.mjs';
import { filesOf, formattedFilesOf, linesOf, nounOffences, refusal } from './new-feature.mjs';
import { foreignTables, ownersOf, tablesOf } from './tables.mjs';
import { emitsElsewhere, length, machinePaths } from './text.mjs';

/** One word, several, long ones, and plurals without an s. */
const samples = ['labels', 'saved-replies', 'canned-response-templates', 'media', 'people'];

for (const noun of samples) {
  test(`what is written for ${noun} passes the rules of npm run check`, async () => {
    const files = await formattedFilesOf(noun, '0099');
    const owners = ownersOf(files.filter(({ file }) => file.endsWith('/feature.ts')));
    const tables = tablesOf(files.filter(({ file }) => file.endsWith('.sql')).map(({ text }) => text));
    assert.deepEqual([...tables], [noun.replaceAll('-', '_')]);
    assert.ok(owners.has(noun.replaceAll('-', '_')));
    const options = await resolveConfig(inRoot('package.json'));
    for (const { file, text } of files) {
      const arrows = file.endsWith('.ts') ? arrowsOf(ts, file, text).map(offence) : [];
      const { warnings, errors } = length(file, text);
      assert.deepEqual(
        [
          ...arrows.filter((reason) => reason !== null),
          ...otherClocks(file, text),
          ...foreignTables(file, text, owners, tables),
          ...emitsElsewhere(file, text),
          ...machinePaths(file, text),
          ...warnings,
          ...errors,
        ],
        [],
        file,
      );
      if (file.endsWith('.ts')) assert.ok(await check(text, { ...options, filepath: inRoot(file) }), file);
    }
    for (const { file, change } of linesOf(noun))
      assert.ok(
        await check(change(readFileSync(inRoot(file), 'utf8')), { ...options, filepath: inRoot(file) }),
        `${file} with ${noun}`,
      );
  });
}

test('what is stored has the time of the transaction, and nothing else gives it one', () => {
  const textOf = (/** @type {string} */ name) =>
    filesOf('saved-replies').find(({ file }) => file.endsWith(`/${name}`))?.text ?? '';
  assert.match(textOf('commands.ts'), /createdAt: tx\.now/);
  assert.doesNotMatch(textOf('table.ts'), /\.default/);
});

test('a name is refused in a line that says why', () => {
  for (const noun of samples) assert.equal(refusal(noun), null, noun);
  for (const noun of ['', 'Labels', 'saved_replies', 'labels2', '-labels', 'a b'])
    assert.match(refusal(noun) ?? '', /plural/, noun);
  assert.match(refusal('new') ?? '', /`new` is a word of TypeScript or SQL/);
});

test('one of them has its own name', () => {
  const names = { labels: 'label', 'saved-replies': 'saved-reply', classes: 'class', boxes: 'box', media: 'media' };
  for (const [noun, one] of Object.entries(names)) assert.equal(oneOf(noun), one);
});

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
  assert.deepEqual(nounOffences(), []);
  assert.match(String(nounOffences(() => 'export const features = everything;\n')), /index\.ts has another shape/);
});

test('its lines go into the lists as they are today', () => {
  const changed = linesOf('saved-replies').map(({ file, change }) => change(readFileSync(inRoot(file), 'utf8')));
  assert.match(changed[0] ?? '', /^ {2}'saved-replies': \{ read: 'admin', write: 'admin', keys: false \},$/m);
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
