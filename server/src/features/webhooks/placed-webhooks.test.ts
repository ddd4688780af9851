import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import type { Inbox, Me, SessionCreated, WebhookCreated, WebhookDelivery } from '@parley/contract';
import { migrateSchema } from '../../platform/data/migrate.ts';
import { createMover } from '../../placement/move.ts';
import { schemaOf } from '../../placement/own-schema.ts';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startHttpDouble } from '../../test/doubles/http-double.ts';
import type { HttpDouble } from '../../test/doubles/http-double.ts';

const MIGRATIONS = fileURLToPath(new URL('../../db/migrations', import.meta.url));

describe('webhooks of a workspace in a schema of its own', () => {
  let test: TestApp;
  let receiver: HttpDouble;
  let schema: string;
  const got: string[] = [];

  before(async () => {
    receiver = await startHttpDouble(async ({ rawBody }, response) => {
      got.push(JSON.parse(rawBody.toString()).type);
      response.end();
    });
    test = await startTestApp({ PARLEY_WEBHOOKS_PRIVATE: '1' });
    const { app } = test;
    const workspaceId = (await test.owner<Me>('GET', '/me')).data.workspace?.id ?? '';
    schema = schemaOf(workspaceId);
    const mover = createMover({ database: app.database, announce: () => app.placements.reload() });
    await mover.move(workspaceId, 'schema');
  });
  after(async () => {
    await test?.close();
    await receiver?.close();
  });

  const rows = (text: string): Promise<Record<string, unknown>[]> =>
    test.app.database.asOwner(async (client) => (await client.query(text)).rows);
  const forced = () =>
    rows(`select relname as name, relrowsecurity and relforcerowsecurity as forced,
            (select count(*)::int from pg_policy where polrelid = c.oid and polname in ('tenant', 'system')) as policies
          from pg_class c where relnamespace = '${schema}'::regnamespace and relname in ('webhook_endpoints', 'webhook_deliveries')
          order by relname`);

  it('have their tables also where the schema is older than they are', async () => {
    const cloned = await forced();
    await rows(`drop table ${schema}.webhook_endpoints, ${schema}.webhook_deliveries`);
    await rows(`delete from ${schema}.schema_migrations where number >= 17`);
    // As by the version that brought them, which knew no later migration.
    const folder = mkdtempSync(join(tmpdir(), 'parley-migrations-'));
    for (const name of readdirSync(MIGRATIONS).filter((file) => file < '0018'))
      copyFileSync(join(MIGRATIONS, name), join(folder, name));
    await test.app.database.asOwner((client) => migrateSchema(client, folder, schema));
    rmSync(folder, { recursive: true });
    assert.deepEqual(await forced(), cloned);
    assert.deepEqual(
      cloned.map(({ forced: isForced }) => isForced),
      [true, true],
    );
  });

  it('hear of what happens there, and leave nothing in the shared tables', async () => {
    const { data: webhook, status } = await test.owner<WebhookCreated>('POST', '/webhooks', { url: receiver.url });
    assert.equal(status, 201);
    const inbox = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: null });
    const visitor = await connect(test.url, { inbox: inbox.data.token });
    const started = await visitor.call<SessionCreated>('customer:start_chat', { name: 'Vera', email: 'v@x.test' });
    assert.ok(started.success);
    const { conversationId } = started.data;
    assert.equal((await test.owner('POST', `/conversations/${conversationId}/resolve`)).status, 200);
    visitor.close();
    await until(async () => got.includes('conversation.resolved'), 'it is told');
    const log = async () => (await test.owner<WebhookDelivery[]>('GET', `/webhooks/${webhook.id}/deliveries`)).data;
    await until(async () => (await log()).every(({ state }) => state === 'delivered'), 'all is delivered');
    const [{ there, here } = {}] = await rows(
      `select (select count(*)::int from ${schema}.webhook_deliveries) as there, (select count(*)::int from public.webhook_deliveries) as here`,
    );
    assert.deepEqual([there, here], [(await log()).length, 0]);
  });
});
