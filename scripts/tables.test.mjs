import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignTables, ownersOf, tablesIn, tablesOf } from './tables.mjs';

const tables = tablesOf(['create table bots (\n', 'create table users (', 'create table if not exists inboxes (']);
const features = [
  { file: 'server/src/features/bots/feature.ts', text: "tables: ['bots']," },
  { file: 'server/src/features/members/feature.ts', text: "tables: [\n 'users',\n 'inboxes']," },
];
const owners = ownersOf(features);
const file = 'server/src/features/bots/queries.ts';

test('the tables SQL names, and not imports or comments', () => {
  const text = `import x from 'users';\n// from users\nsql\`select 1 from bots b join inboxes i on true\``;
  assert.deepEqual([...tablesIn(text, tables)].sort(), ['bots', 'inboxes']);
});

test('SQL that touches a foreign table is refused unless the file says why', () => {
  const text = 'sql`update users set name = null where id in (select id from bots)`';
  assert.match(String(foreignTables(file, text, owners, tables)), /names users, which belongs to .*members/);
  assert.deepEqual(foreignTables(file, `// Foreign tables: users. In one statement.\n${text}`, owners, tables), []);
  assert.match(
    String(foreignTables(file, '// Foreign tables: users. In one statement.\n', owners, tables)),
    /says it names users, and does not/,
  );
});

test('a table has one owner', () => {
  /** @type {string[]} */
  const problems = [];
  ownersOf([...features, { file: 'server/src/features/x/feature.ts', text: "tables: ['bots']" }], problems);
  assert.match(String(problems), /bots is owned twice/);
});
