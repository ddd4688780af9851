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

test('the platform names no table of a feature, in SQL or in a list, for no reason', () => {
  const machinery = 'server/src/platform/data/retention.ts';
  const more = tablesOf(['create table users (', 'create table inbound_events (', 'create table outbox (']);
  const owned = ownersOf([...features, { file: 'server/src/turn/feature.ts', text: "tables: ['inbound_events']" }]);
  const offences = (/** @type {string} */ text) => foreignTables(machinery, text, owned, more);
  assert.match(String(offences('sql`select id from users`')), /the platform names users, which belongs to .*members/);
  assert.equal(offences('// Foreign tables: users. All of them.\nsql`select id from users`').length, 1);
  assert.equal(offences("const TABLES = ['inbound_events'];").length, 1);
  assert.equal(offences("sql`where c.relname = 'inbound_events'`").length, 1);
  assert.deepEqual(offences('// as inbound_events\nsql`update outbox set due = null`; const OWN = ["outbox"];'), []);
});

test('a table has one owner', () => {
  /** @type {string[]} */
  const problems = [];
  ownersOf([...features, { file: 'server/src/features/x/feature.ts', text: "tables: ['bots']" }], problems);
  assert.match(String(problems), /bots is owned twice/);
});
