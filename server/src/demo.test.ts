import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sql } from 'drizzle-orm';
import { startTestApp } from './test/app.ts';

it('starts after an update although the owner deleted the knowledge of the demo', async (context) => {
  const parley = await startTestApp({ PARLEY_DEMO: '1', PARLEY_ROLES: 'api,worker:turn' });
  context.after(() => parley.close());
  const bases = await parley.owner<{ id: string; name: string }[]>('GET', '/knowledge-bases');
  const base = bases.data.find(({ name }) => name === 'Parley guides');
  assert.ok(base, 'the first owner has the demo');
  assert.equal((await parley.owner('DELETE', `/knowledge-bases/${base.id}`)).status, 200);
  // An update brings guides that this installation has not seen.
  await parley.app.store.asSystem((tx) =>
    tx.execute(
      sql`update workspaces set settings = jsonb_set(settings, '{demo,documents}', '{}') where settings ? 'demo'`,
    ),
  );
  await parley.restart();
  const after = await parley.owner<{ name: string }[]>('GET', '/knowledge-bases');
  assert.equal(after.status, 200);
  assert.deepEqual(after.data, []);
});
