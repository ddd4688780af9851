import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { MIGRATIONS, MigrationError } from '../platform/data/index.ts';
import { migrate } from '../platform/data/migrate.ts';
import { newId } from '../platform/data/ids.ts';
import { migratePlacements } from './migrate-placements.ts';
import { createMover } from './move.ts';
import { schemaOf } from './own-schema.ts';

/** Later versions of the product reach the workspaces that live in schemas of their own. */

const folder = mkdtempSync(join(tmpdir(), 'parley-migrations-'));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const [one, two] = [newId(), newId()].sort() as [string, string];
let data: TestDatabase;

before(async () => {
  cpSync(MIGRATIONS, folder, { recursive: true });
  data = await createTestDatabase(folder);
  await data.database.asOwner((client) =>
    client.query("insert into workspaces (id, name) select unnest($1::uuid[]), 'Acme'", [[one, two]]),
  );
  const mover = createMover({ database: data.database, announce: () => Promise.resolve() });
  for (const workspace of [one, two]) await mover.move(workspace, 'schema');
});
after(async () => {
  await data.remove();
  rmSync(folder, { recursive: true, force: true });
});

const start = async ({ contract = false } = {}) => {
  const shared = await data.database.asOwner((client) => migrate(client, folder, { contract }));
  return { shared, placed: await migratePlacements(data.database, { folder, contract }) };
};
const rows = (text: string) => data.database.asOwner(async (client) => (await client.query(text)).rows);
const fails = async (pattern: RegExp) =>
  assert.rejects(start(), (error) => {
    assert.ok(error instanceof MigrationError);
    assert.match(error.message, pattern);
    return true;
  });

test('there is nothing to do at first', async () => {
  assert.deepEqual(await start(), { shared: [], placed: new Map() });
});

test('a migration runs in the shared schema and its marked part in each of the others', async () => {
  write(
    '0101_first.sql',
    `create table plans (id int primary key);
-- placement: everywhere
alter table bots add column mood text not null default 'calm';
-- placement: shared
create table prices (id int primary key);
`,
  );
  const { shared, placed } = await start();
  assert.deepEqual(shared, ['0101_first.sql']);
  assert.deepEqual([...placed.keys()], [one, two]);
  for (const schema of [schemaOf(one), schemaOf(two)]) {
    assert.deepEqual(await rows(`select mood from ${schema}.bots`), []);
    assert.deepEqual(await rows(`select to_regclass('${schema}.plans') as a, to_regclass('${schema}.prices') as b`), [
      { a: null, b: null },
    ]);
  }
  assert.deepEqual(await start(), { shared: [], placed: new Map() });
});

test('one that fails in one placement names it, and the next start goes on from there', async () => {
  write('0102_second.sql', '-- placement: everywhere\nalter table bots add column age integer;\n');
  await rows(`alter table ${schemaOf(two)}.bots add column age text`);
  await fails(new RegExp(`workspace ${two} .*0102_second\\.sql failed: column "age"`));
  assert.deepEqual(await rows(`select age from ${schemaOf(one)}.bots`), []);
  await rows(`alter table ${schemaOf(two)}.bots drop column age`);
  assert.deepEqual([...(await start()).placed], [[two, ['0102_second.sql']]]);
});

test('one that contracts waits until it is asked for', async () => {
  write('0103_third.sql', '-- phase: contract\n-- placement: everywhere\nalter table bots drop column age;\n');
  write('0104_fourth.sql', '-- placement: everywhere\nalter table bots add column size integer;\n');
  assert.deepEqual((await start()).shared, ['0104_fourth.sql']);
  const last = await start({ contract: true });
  assert.deepEqual(last.shared, ['0103_third.sql']);
  assert.deepEqual([...last.placed.values()], [['0103_third.sql'], ['0103_third.sql']]);
});

test('one that forgets the placements is refused', async () => {
  write('0105_fifth.sql', 'alter table bots add column forgotten integer;\n');
  for (let starts = 0; starts < 2; starts++)
    await fails(new RegExp(`workspace ${one} .*bots\\.forgotten integer.*-- placement: everywhere`));
});
