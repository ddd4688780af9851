import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { migrate, MigrationError } from './migrate.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-migrations-'));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
let data: TestDatabase;
before(async () => {
  write('0002_two.sql', 'create table two (id int);');
  data = await createTestDatabase(folder);
});
after(async () => {
  await data.remove();
  rmSync(folder, { recursive: true, force: true });
});
const run = () => data.database.asOwner((client) => migrate(client, folder));
const exists = (table: string) =>
  data.database.asOwner(
    async (client) => (await client.query('select to_regclass($1) as t', [table])).rows[0].t !== null,
  );
const fails = async (pattern: RegExp) => {
  await assert.rejects(run(), (error) => {
    assert.ok(error instanceof MigrationError);
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes('\n'));
    return true;
  });
};

test('applied ones are not applied again, new ones are, in order; line ends are no edit', async () => {
  assert.deepEqual(await run(), []);
  write('0002_two.sql', 'create table two (id int);'.replaceAll('\n', '\r\n'));
  write('0004_four.sql', 'create table four as select * from three;');
  write('0003_three.sql', 'create table three (id int);\ncreate index on three (id);');
  assert.deepEqual(await run(), ['0003_three.sql', '0004_four.sql']);
});

test('a failing one leaves nothing and names itself', async () => {
  write('0005_five.sql', 'create table five (id int); select * from nowhere;');
  await fails(/0005_five\.sql failed: relation "nowhere" does not exist/);
  assert.equal(await exists('five'), false);
  rmSync(join(folder, '0005_five.sql'));
});

test('an edited one is an error', async () => {
  write('0003_three.sql', 'create table three (id bigint);');
  await fails(/0003_three\.sql was edited/);
  write('0003_three.sql', 'create table three (id int);\ncreate index on three (id);');
});

test('one that comes late, a number twice and a wrong name are errors', async () => {
  write('0001_late.sql', 'select 1;');
  await fails(/0001_late\.sql comes before/);
  rmSync(join(folder, '0001_late.sql'));
  write('0004_again.sql', 'select 1;');
  await fails(/two migrations have the number 0004/);
  rmSync(join(folder, '0004_again.sql'));
  write('five.sql', 'select 1;');
  await fails(/five\.sql is not named/);
  rmSync(join(folder, 'five.sql'));
});

test('several that migrate at once apply each once', async () => {
  write('0006_six.sql', 'create table six (id int);');
  const applied = await Promise.all([run(), run(), run()]);
  assert.deepEqual(applied.flat(), ['0006_six.sql']);
});
