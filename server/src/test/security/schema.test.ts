import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Tx } from '../../platform/data/tenant.ts';
import { startTestApp } from '../app.ts';
import type { TestApp } from '../app.ts';
import { join, joinAnotherCompany, populate } from './world.ts';
import type { Company } from './world.ts';

/** What parley_system may read, written down a second time. Words of customers and of companies are not in here. */
const SYSTEM_READS: Record<string, string[] | 'all'> = {
  workspaces: 'all',
  users: 'all',
  memberships: 'all',
  invitations: 'all',
  sessions: 'all',
  api_keys: ['id', 'workspace_id', 'token_hash', 'scopes', 'created_by', 'last_used_at', 'revoked_at'],
  refresh_tokens: 'all',
  one_time_tokens: 'all',
  sign_ins: 'all',
  mails: 'all',
  placements: 'all',
  placed_inboxes: 'all',
  outbox: [
    'id',
    'seq',
    'workspace_id',
    'type',
    'subject_id',
    'payload',
    'request_id',
    'created_at',
    'relayed_at',
    'handled_at',
    'error',
    'due',
    'done',
    'errors',
  ],
  threads: ['id', 'workspace_id', 'inbox_id', 'thread_key', 'lease_token', 'lease_until'],
  inbound_events: ['id', 'seq', 'workspace_id', 'inbox_id', 'thread_key', 'received_at', 'processed_at', 'dead_at'],
  inbound_ids: ['received_at'],
  deliveries: ['id', 'workspace_id', 'thread_id', 'seq', 'state', 'next_attempt_at', 'lease_until'],
  inboxes: [
    'id',
    'workspace_id',
    'token',
    'channel',
    'bot_id',
    'name',
    'credentials',
    'settings',
    'status',
    'deleted_at',
    'external_id',
    'listener_until',
  ],
  file_fetches: ['id', 'workspace_id', 'message_id', 'state', 'next_attempt_at', 'lease_until', 'created_at'],
  webhook_endpoints: ['id', 'workspace_id', 'events', 'enabled'],
  webhook_deliveries: ['id', 'workspace_id', 'state', 'next_attempt_at', 'created_at'],
  sources: ['id', 'workspace_id', 'status', 'updated_at', 'deleted_at'],
  conversations: ['id', 'workspace_id', 'status', 'snoozed_until'],
  file_removals: ['storage_key', 'workspace_id', 'created_at'],
};

/** Tables that belong to people rather than to a workspace: for parley_system alone. */
const NOT_TENANT = new Set([
  'users',
  'workspaces',
  'sessions',
  'refresh_tokens',
  'one_time_tokens',
  'sign_ins',
  // Of the installation; inside a workspace an invitation is put there, and nothing is seen.
  'mails',
  'schema_migrations',
  'installation',
  // Where workspaces live is read before one is known, too.
  'placements',
  'placed_inboxes',
]);

describe('the database keeps workspaces apart by itself', () => {
  let test: TestApp;
  let acme: Company;
  let mallory: Company;
  let tables: { name: string; tenant: boolean; enabled: boolean; forced: boolean; owner: string }[];

  const rowsOf = async (tx: Tx, text: string): Promise<Record<string, string>[]> =>
    (await tx.execute<Record<string, string>>(sql.raw(text))).rows;
  const bare = (text: string): Promise<Record<string, unknown>[]> => test.app.store.statement(text, []);
  const fails = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'it worked',
      (error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error),
    );

  before(async () => {
    test = await startTestApp();
    const owner = { call: test.owner, accessToken: test.ownerToken, refreshToken: '' };
    [acme, mallory] = await Promise.all([
      populate(test, owner, 'acmecanary'),
      joinAnotherCompany(test).then((person) => populate(test, person, 'mallorycanary')),
    ]);
    await join(test, test.owner, 'only@acme.test', 'agent');
    tables = (await test.app.database.asOwner(async (client) => {
      const { rows } = await client.query(`
        select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced, r.rolname as owner,
          exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id') as tenant
        from pg_class c join pg_roles r on r.oid = c.relowner
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
          and not c.relispartition`);
      return rows;
    })) as typeof tables;
  });
  after(async () => {
    for (const company of [acme, mallory]) company?.visitor.close();
    await test?.close();
  });

  it('forces row-level security on every table of a workspace, and gives each a policy', async () => {
    assert.ok(tables.length >= 20);
    const policies = (await test.app.database.asOwner(async (client) => {
      const { rows } = await client.query(
        `select tablename, roles::text as roles, qual, with_check from pg_policies where schemaname = 'public'`,
      );
      return rows;
    })) as { tablename: string; roles: string; qual: string; with_check: string | null }[];
    for (const { name, tenant, enabled, forced } of tables) {
      assert.ok(tenant || NOT_TENANT.has(name), `${name} belongs to no workspace; say so here, or give it one`);
      if (!tenant) continue;
      assert.ok(enabled && forced, `${name}: row-level security is not enabled and forced`);
      const own = policies.filter((policy) => policy.tablename === name && policy.roles.includes('parley_app'));
      assert.equal(own.length, 1, `${name} has one policy for parley_app`);
      for (const rule of [own[0]?.qual, own[0]?.with_check]) {
        assert.match(rule ?? '', /^\(workspace_id = \(NULLIF\(current_setting\('app\.workspace_id'/, name);
      }
    }
    for (const { tablename, roles } of policies) assert.ok(!/public|=/.test(roles), `${tablename} is open to ${roles}`);
  });

  it('attack 32: lets nobody past a table’s policy by naming one of its partitions', async () => {
    const partitions = (await test.app.database.asOwner(async (client) => {
      const { rows } = await client.query(`
        select c.relname as name, c.relrowsecurity as enabled, p.relname as parent, p.relforcerowsecurity as forced
        from pg_class c join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
        where c.relispartition and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1`);
      return rows;
    })) as { name: string; enabled: boolean; parent: string; forced: boolean }[];
    const parents = new Set(partitions.map(({ parent }) => parent));
    assert.deepEqual([...parents].sort(), ['inbound_events', 'messages', 'traces']);
    // The default, this month and the next two of each.
    assert.ok(partitions.length >= 12);
    const { store } = test.app;
    for (const { name, parent, enabled, forced } of partitions) {
      assert.ok(enabled && forced, name);
      for (const statement of [
        `select 1 from ${name}`,
        `insert into ${name} select * from ${parent}`,
        `update ${name} set id = id`,
        `delete from ${name}`,
        `truncate ${name}`,
      ]) {
        const denied = /permission denied/;
        assert.match(
          await fails(store.inWorkspace(mallory.ids.workspace, (tx) => rowsOf(tx, statement))),
          denied,
          name,
        );
        assert.match(await fails(store.asSystem((tx) => rowsOf(tx, statement))), denied, name);
      }
    }
    for (const call of ['make_partitions()', `retire_partitions('messages', 1)`, `drop_retired('0 days')`])
      // One after the other: a refusal nobody waits for yet ends the test.
      for (const run of [() => bare(`select ${call}`), () => store.asSystem((tx) => rowsOf(tx, `select ${call}`))])
        assert.match(await fails(run()), /permission denied for function/, call);
  });

  it('runs as roles that own nothing and bypass nothing', async () => {
    const roles = (await test.app.database.asOwner(async (client) => {
      const { rows } = await client.query(`
        select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,
          pg_has_role('parley_app', 'parley_system', 'USAGE') as app_is_system
        from pg_roles where rolname in ('parley_app', 'parley_system')`);
      return rows;
    })) as Record<string, unknown>[];
    assert.equal(roles.length, 2);
    for (const { rolname, ...powers } of roles)
      for (const [power, has] of Object.entries(powers)) assert.equal(has, false, `${String(rolname)} ${power}`);
    for (const { name, owner } of tables) assert.ok(!owner.startsWith('parley_'), `${name} is owned by ${owner}`);
    assert.deepEqual(await bare('select current_user::text as me'), [{ me: 'parley_app' }]);
    const drop = await fails(bare('alter table messages disable row level security'));
    assert.match(drop, /must be owner/);
  });

  it('attack 32: shows nothing without a workspace, and one workspace nothing of another', async () => {
    const { store } = test.app;
    for (const { name, tenant } of tables) {
      if (!tenant) continue;
      assert.deepEqual(await bare(`select workspace_id from ${name}`), [], `${name} without a workspace`);
      const seen = await store.inWorkspace(mallory.ids.workspace, (tx) =>
        rowsOf(tx, `select distinct workspace_id from ${name}`),
      );
      assert.deepEqual(
        seen.filter((row) => row.workspace_id !== mallory.ids.workspace),
        [],
        name,
      );
    }
    const names = await store.inWorkspace(mallory.ids.workspace, async (tx) => ({
      workspaces: await rowsOf(tx, 'select id from workspaces'),
      users: await rowsOf(tx, 'select email from users'),
    }));
    assert.deepEqual(names.workspaces, [{ id: mallory.ids.workspace }]);
    // Whoever was a colleague once keeps a name on what they wrote.
    assert.deepEqual(names.users.map(({ email }) => email).sort(), ['mallory@strangers.test', 'owner@acme.test']);
  });

  it('searches words as the owner of the tables, and only those of the workspace that is set', async () => {
    const { store } = test.app;
    const search = `select distinct conversations_with(websearch_to_tsquery('simple', 'human'))::text as id`;
    assert.deepEqual(await bare(search), []);
    assert.match(await fails(store.asSystem((tx) => rowsOf(tx, search))), /permission denied/);
    for (const company of [acme, mallory]) {
      const { workspace } = company.ids;
      const found = await store.inWorkspace(workspace, (tx) => rowsOf(tx, search));
      const own = await store.inWorkspace(workspace, (tx) => rowsOf(tx, 'select id::text from conversations'));
      assert.ok(found.length > 0);
      assert.ok(found.every(({ id }) => own.some((conversation) => conversation['id'] === id)));
    }
  });

  it('attack 1: writes nothing into another workspace', async () => {
    const { store } = test.app;
    const foreign = acme.ids.workspace;
    for (const { name, tenant } of tables) {
      if (!tenant) continue;
      const touched = await store.inWorkspace(mallory.ids.workspace, async (tx) => {
        const updated = await rowsOf(
          tx,
          `update ${name} set workspace_id = workspace_id where workspace_id = '${foreign}' returning workspace_id`,
        );
        return updated.length;
      });
      assert.equal(touched, 0, name);
      const moved = await fails(
        store.inWorkspace(mallory.ids.workspace, (tx) => rowsOf(tx, `update ${name} set workspace_id = '${foreign}'`)),
      );
      const isEmpty = moved === 'it worked';
      if (!isEmpty) assert.match(moved, /row-level security/, `${name}: ${moved}`);
      else {
        const own = await store.inWorkspace(mallory.ids.workspace, (tx) => rowsOf(tx, `select 1 from ${name}`));
        assert.deepEqual(own, [], `${name}: rows went to another workspace`);
      }
    }
    const made = await fails(
      store.inWorkspace(mallory.ids.workspace, (tx) =>
        rowsOf(
          tx,
          `insert into knowledge_bases (id, workspace_id, name) values (gen_random_uuid(), '${foreign}', 'planted')`,
        ),
      ),
    );
    assert.match(made, /row-level security/);
  });

  it('lets parley_system read what it was granted and nothing else, no words among it', async () => {
    const { store } = test.app;
    const granted = await store.asSystem((tx) =>
      rowsOf(
        tx,
        `select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0
           and not a.attisdropped and has_column_privilege('parley_system', c.oid, a.attnum, 'SELECT')
         order by c.relname, a.attnum`,
      ),
    );
    const byTable = new Map<string, string[]>();
    for (const { table = '', column = '' } of granted) byTable.set(table, [...(byTable.get(table) ?? []), column]);
    assert.deepEqual([...byTable.keys()].sort(), Object.keys(SYSTEM_READS).sort());
    for (const [table, columns] of byTable) {
      const expected = SYSTEM_READS[table];
      if (expected !== 'all') assert.deepEqual(columns.sort(), [...(expected ?? [])].sort(), table);
      const text = await store.asSystem((tx) =>
        rowsOf(tx, `select row_to_json(t)::text as row from (select ${columns.join(', ')} from ${table}) t`),
      );
      // Names of inboxes and addresses of people who are invited are what it is for.
      if (['inboxes', 'invitations', 'mails', 'users'].includes(table)) continue;
      const told = text.filter(({ row = '' }) => row.includes(acme.mark) && table !== 'outbox');
      assert.deepEqual(told, [], `${table} shows words to parley_system`);
      for (const word of ['I want to talk to a human', 'refund takes five', 'Visitor acmecanary', 'visitor-acmecanary'])
        assert.ok(!text.some(({ row = '' }) => row.includes(word)), `${table} shows “${word}”`);
    }
    for (const table of ['messages', 'contacts', 'chunks', 'knowledge_bases', 'traces', 'files', 'bots', 'handoffs'])
      assert.match(
        await fails(store.asSystem((tx) => rowsOf(tx, `select 1 from ${table}`))),
        /permission denied/,
        table,
      );
    assert.match(await fails(bare('select password_hash from users')), /permission denied/);
    assert.match(await fails(bare('select 1 from mails')), /permission denied/);
    const forged = `insert into mails (id, template, language, recipient, expires_at)
      values (gen_random_uuid(), 'password_reset', 'en', 'x@y.test', now())`;
    assert.match(
      await fails(store.inWorkspace(acme.ids.workspace, (tx) => rowsOf(tx, forged))),
      /row-level security/,
      'a workspace sends invitations and nothing else',
    );
    assert.match(await fails(bare('select 1 from sessions')), /permission denied/);
  });

  it('attack 32: leaves no workspace and no role behind on a pooled connection', async () => {
    const { store } = test.app;
    const look = async (): Promise<unknown[]> =>
      bare(
        `select current_user::text as me, nullif(current_setting('app.workspace_id', true), '') as workspace,
          (select count(*)::int from messages) as messages, (select count(*)::int from workspaces) as workspaces`,
      );
    const clean = [{ me: 'parley_app', workspace: null, messages: 0, workspaces: 0 }];
    const seen = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const { workspace } = (index % 2 === 0 ? acme : mallory).ids;
        if (index % 3 === 0) return look();
        if (index % 3 === 1)
          return store.inWorkspace(workspace, async (tx) => {
            const rows = await rowsOf(tx, 'select distinct workspace_id from messages');
            assert.deepEqual(rows, [{ workspace_id: workspace }]);
            return clean;
          });
        // Work that fails, in its own way, must leave nothing either.
        const broken = store.asSystem((tx) => rowsOf(tx, index % 2 === 0 ? 'select 1 / 0' : 'select 1 from messages'));
        await assert.rejects(broken);
        return look();
      }),
    );
    for (const rows of seen) assert.deepEqual(rows, clean);
  });
});
