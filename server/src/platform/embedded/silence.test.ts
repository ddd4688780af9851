import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stays } from '../../test/stays.ts';
import { startProxy } from '../../test/proxy.ts';
import { createScopedQueries } from '../data/scoped-query.ts';
import { newId } from '../data/ids.ts';
import { createTestDatabase } from '../../test/database.ts';

const server = process.env.TEST_DATABASE_URL;

if (server) {
  test('a connection that died without a word is given up, and the next one works', async () => {
    const data = await createTestDatabase(undefined, server);
    const cable = await startProxy(server);
    const pool = data.database.openPool({
      max: 2,
      searchPath: 'public',
      name: 'test',
      address: cable.url,
      silentMs: 200,
    });
    try {
      const [plain, scoped] = [await pool.connect(), await pool.connect()];
      await Promise.all([plain.query('select 1'), scoped.query('select 1')]);
      cable.freeze();
      await assert.rejects(plain.query('select 1'));
      await assert.rejects(createScopedQueries().run(scoped, newId(), 'select 1', [], 'once'));
      for (const client of [plain, scoped]) client.release(new Error('lost'));
      const fresh = await pool.connect();
      fresh.release();
      // One that nobody uses may be silent for as long as it likes.
      await stays(() => pool.idleCount === 1, 'it is kept', 500);
      assert.equal((await pool.query('select 2 as two')).rows[0].two, 2);
    } finally {
      await pool.end();
      await cable.close();
      await data.remove();
    }
  });
}
