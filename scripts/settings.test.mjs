import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inRoot } from './lib/paths.mjs';
import { BEGIN, END, envExample, table, withTable } from './lib/settings-text.mjs';
import { described, outdated } from './settings.mjs';

const groups = { listen: 'Where it listens', models: 'Models' };
/** @type {import('./lib/settings-text.mjs').Settings[]} */
const declared = [
  { variables: { A_KEY: { group: 'models', description: 'The key.', unset: 'none is used', secret: true } } },
  { variables: { PORT: { group: 'listen', description: 'Here | there.', default: '3000', more: '[More](x.md)' } } },
];

test('.env.example has every variable once, in the order of the groups', () => {
  const text = envExample(declared, groups);
  assert.deepEqual(text.match(/^# [A-Z_]+=.*$/gm), ['# PORT=3000', '# A_KEY=']);
  assert.match(
    text,
    /^# ── Where it listens ─+\n# Here \| there\.\n# PORT=3000\n\n# ── Models ─+\n# The key\. Unset: none is used\./m,
  );
});

test('long words about a variable are wrapped', () => {
  const variable = { group: 'models', description: 'word '.repeat(60).trim() };
  const lines = envExample([{ variables: { LONG: variable } }], groups).split('\n');
  assert.ok(lines.every((line) => line.length <= 125));
  assert.ok(lines.filter((line) => line.startsWith('# word')).length > 2);
});

test('the table stands between the markers and leaves the rest alone', () => {
  const page = `before\n\n${BEGIN}\nold\n${END}\n\nafter\n`;
  const text = withTable(page, table(declared, groups));
  assert.ok(text.startsWith('before\n\n') && text.endsWith('\n\nafter\n') && !text.includes('old'));
  assert.match(text, /\| `PORT` \| Here \\\| there\. \[More\]\(x\.md\)\. \| `3000` \|/);
  assert.throws(() => withTable('no markers\n', ''), /needs/);
});

test('what is written is what is declared, and a file that is not is found', async () => {
  const wanted = await described();
  const read = (/** @type {string} */ file) => readFileSync(inRoot(file), 'utf8');
  assert.deepEqual(outdated(wanted, read), []);
  const without = (/** @type {string} */ file) => read(file).replace('LOG_LEVEL', 'LOG_LEVELS');
  assert.deepEqual(outdated(wanted, without), ['.env.example', 'docs/operations.md']);
});
