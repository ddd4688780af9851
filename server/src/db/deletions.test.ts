import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  Bot,
  Conversation,
  Deletion,
  DeletionEffect,
  Handoff,
  Inbox,
  KnowledgeBase,
  Me,
  Member,
  Source,
} from '@parley/contract';
import { connect, startTestApp, until } from '../test/app.ts';
import type { Call, TestApp, TestSocket } from '../test/app.ts';
import { fileForm } from '../test/security/requests.ts';
import { join } from '../test/security/world.ts';
import { history, visit } from '../test/talk.ts';
import type { Visit } from '../test/talk.ts';
import { CONTROL_TABLES } from './control-tables.ts';
import { findDangling, REFERENCES } from './references.ts';

/** Invariant 10: a deletion leaves nothing pointing at it and nobody waiting on it; and says before what it does. */
describe('a deletion', () => {
  let test: TestApp;
  let bot: Bot;
  let web: Inbox;
  let workspaceId: string;
  let ada: Call;
  let adaId: string;
  let adaSocket: TestSocket;

  before(async () => {
    test = await startTestApp();
    workspaceId = (await test.owner<Me>('GET', '/me')).data.workspace?.id ?? '';
    bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin' })).data;
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    const person = await join(test, test.owner, 'ada@acme.test', 'agent');
    ada = person.call;
    adaSocket = await connect(test.url, { token: person.accessToken });
    const { data: members } = await test.owner<Member[]>('GET', '/members');
    adaId = members.find(({ email }) => email === 'ada@acme.test')?.id ?? '';
  });
  after(async () => {
    adaSocket?.close();
    await test?.close();
  });

  const dangling = () => test.app.store.inWorkspace(workspaceId, findDangling);
  const read = async (id: string) => (await test.owner<Conversation>('GET', `/conversations/${id}`)).data;
  const effects = async (path: string): Promise<DeletionEffect[]> =>
    (await test.owner<Deletion>('GET', `${path}/deletion`)).data.effects;
  async function remove(path: string): Promise<void> {
    const removed = await test.owner('DELETE', path);
    assert.equal(removed.status, 200, JSON.stringify(removed.error));
  }
  const storedBytes = (fileId: string): Promise<string> =>
    test.app.database.asOwner(async (client) => {
      const { rows } = await client.query<{ storage_key: string }>('select storage_key from files where id = $1', [
        fileId,
      ]);
      return joinPath(test.dataDir, 'files', rows[0]?.storage_key ?? 'none');
    });
  async function owned(name: string, by: Call): Promise<Visit> {
    const visitor = await visit(test.url, web, name);
    await by('POST', `/conversations/${visitor.conversationId}/take-over`);
    return visitor;
  }

  it('every id of something else is known to the check', async () => {
    const columns = await test.app.database.asOwner(async (client) => {
      const { rows } = await client.query<{ table: string; column: string }>(`
        select c.table_name as table, c.column_name as column from information_schema.columns c
        join pg_class t on t.relname = c.table_name and t.relnamespace = 'public'::regnamespace
          and t.relkind in ('r', 'p') and not t.relispartition
        where c.table_schema = 'public' and c.data_type = 'uuid' and c.column_name not in ('id', 'workspace_id')
          and exists (select from information_schema.columns w where w.table_schema = 'public'
            and w.table_name = c.table_name and w.column_name = 'workspace_id')`);
      return rows;
    });
    const unknown = columns.filter(
      ({ table, column }) =>
        !CONTROL_TABLES.includes(table) &&
        table !== 'placements' &&
        table !== 'placed_inboxes' &&
        REFERENCES[table]?.[column] === undefined,
    );
    assert.deepEqual(unknown, []);
    assert.deepEqual(await dangling(), []);
  });

  it('of a member gives the customers who wait back to the queue, and the rest to nobody', async () => {
    const [asks, answered, asleep] = await Promise.all(['Asks', 'Answered', 'Asleep'].map((name) => owned(name, ada)));
    assert.ok(asks && answered && asleep);
    await asks.say('Are you there?');
    await until(
      async () => (await read(asks.conversationId)).lastMessageAuthor === 'contact',
      'the question is stored',
    );
    await ada('POST', `/conversations/${answered.conversationId}/messages`, { text: 'Here you are.' });
    const later = new Date(Date.now() + 3_600_000).toISOString();
    await ada('POST', `/conversations/${asleep.conversationId}/snooze`, { until: later });
    assert.deepEqual(await effects(`/members/${adaId}`), [
      { what: 'openConversations', count: 1, becomes: 'queued' },
      { what: 'openConversations', count: 2, becomes: 'unassigned' },
    ]);
    await remove(`/members/${adaId}`);
    const back = await until(async () => {
      const found = await read(asks.conversationId);
      return found.status === 'waiting' && found;
    }, 'it waits again');
    assert.equal(back.assignee, null);
    const { data: queue } = await test.owner<Handoff[]>('GET', '/handoffs');
    assert.deepEqual(
      queue.map(({ conversationId, reason }) => [conversationId, reason]),
      [[asks.conversationId, 'AGENT_LEFT']],
    );
    await asks.socket.wait('status:changed', ({ status, position }) => status === 'waiting' && position === 1);
    for (const [visitor, status] of [
      [answered, 'agent'],
      [asleep, 'snoozed'],
    ] as const) {
      const found = await until(async () => {
        const now = await read(visitor.conversationId);
        return now.assignee === null && now;
      }, 'it is nobody’s');
      assert.equal(found.status, status);
      assert.match((await history(test, found.id)).at(-1)?.text ?? '', /left the team/);
    }
    assert.deepEqual(await dangling(), []);
    for (const { socket } of [asks, answered, asleep]) socket.close();
  });

  it('of a source, and of a knowledge base, takes the files and their bytes with it', async () => {
    const base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Guides' })).data;
    const upload = async (name: string): Promise<{ source: Source; bytes: string }> => {
      const form = fileForm(`${name}.txt`, `The ${name} is blue and weighs two kilograms.`);
      const source = (await test.owner<Source>('POST', `/knowledge-bases/${base.id}/documents`, form)).data;
      await until(
        async () => (await test.owner<Source>('GET', `/sources/${source.id}`)).data.status === 'ready',
        'read',
      );
      return { source, bytes: await storedBytes(source.fileId ?? '') };
    };
    const one = await upload('parcel');
    const two = await upload('letter');
    assert.ok(existsSync(one.bytes) && existsSync(two.bytes));
    assert.deepEqual(await effects(`/sources/${one.source.id}`), [
      { what: 'passages', count: 1, becomes: 'deleted' },
      { what: 'files', count: 1, becomes: 'deleted' },
    ]);
    await remove(`/sources/${one.source.id}`);
    await test.owner('PATCH', `/bots/${bot.id}`, { knowledgeBaseIds: [base.id] });
    const ofBase = await effects(`/knowledge-bases/${base.id}`);
    assert.deepEqual(ofBase, [
      { what: 'sources', count: 1, becomes: 'deleted' },
      { what: 'passages', count: 1, becomes: 'deleted' },
      { what: 'files', count: 1, becomes: 'deleted' },
      { what: 'bots', count: 1, becomes: 'detached' },
    ]);
    // As a process leaves it that dies before it deleted the bytes: the next start finishes.
    await remove(`/knowledge-bases/${base.id}`);
    await test.restart();
    await until(async () => !existsSync(one.bytes) && !existsSync(two.bytes), 'the bytes are gone', 30_000);
    const notes = await test.app.database.asOwner(
      async (client) => (await client.query('select 1 from file_removals')).rowCount,
    );
    assert.equal(notes, 0);
    assert.deepEqual(await dangling(), []);
  });

  it('of a bot leaves its inboxes to people, and of an inbox resolves what is open and refuses words', async () => {
    const visitor = await visit(test.url, web, 'Waits');
    await visitor.say('Hello there', 'hello');
    assert.deepEqual((await effects(`/bots/${bot.id}`)).map(({ what, becomes }) => [what, becomes])[0], [
      'inboxes',
      'detached',
    ]);
    await remove(`/bots/${bot.id}`);
    assert.deepEqual(await dangling(), []);
    const open = (await test.owner<Conversation[]>('GET', '/conversations?status=bot,waiting,agent,snoozed')).data;
    const before = await effects(`/inboxes/${web.id}`);
    assert.deepEqual(before[0], { what: 'openConversations', count: open.length, becomes: 'resolved' });
    await remove(`/inboxes/${web.id}`);
    await visitor.socket.wait('session:closed', ({ conversationId }) => conversationId === visitor.conversationId);
    assert.deepEqual((await test.owner<Handoff[]>('GET', '/handoffs')).data, []);
    assert.deepEqual(await dangling(), []);
    const ended = await read(visitor.conversationId);
    assert.deepEqual([ended.status, ended.inbox.deleted, ended.reopenUntil], ['resolved', true, null]);
    assert.match((await history(test, ended.id)).at(-1)?.text ?? '', /deleted the inbox/);
    for (const [path, body] of [
      ['reopen', undefined],
      ['messages', { text: 'Are you still there?' }],
    ] as const) {
      const refused = await test.owner('POST', `/conversations/${ended.id}/${path}`, body);
      assert.deepEqual([refused.status, refused.error?.code], [409, 'inbox_deleted'], path);
    }
    const noted = await test.owner('POST', `/conversations/${ended.id}/messages`, { text: 'For us', private: true });
    assert.equal(noted.status, 201);
    visitor.socket.close();
  });
});
