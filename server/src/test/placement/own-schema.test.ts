import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type {
  Bot,
  Conversation,
  Inbox,
  KnowledgeBase,
  Member,
  Message,
  SessionCreated,
  Source,
} from '@parley/contract';
import { sql } from 'drizzle-orm';
import { createMover, MoveError } from '../../platform/placement/move.ts';
import type { Mover } from '../../platform/placement/move.ts';
import { schemaOf } from '../../platform/placement/own-schema.ts';
import { connect, startTestApp, until } from '../app.ts';
import type { TestApp, TestSocket } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import type { TelegramDouble } from '../doubles/telegram.ts';
import { assertGapless, history, openTelegram, saidBy } from '../talk.ts';
import type { Chat } from '../talk.ts';

/** A workspace in a schema of its own, by the front doors: everything is there, and nothing of it for others. */
describe('a workspace in a schema of its own', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let chat: Chat;
  let mover: Mover;
  let bot: Bot;
  let base: KnowledgeBase;
  let workspaceId: string;
  let schema: string;
  let earlier: string;

  const rows = (text: string): Promise<Record<string, unknown>[]> =>
    test.app.database.asOwner(async (client) => (await client.query(text)).rows);
  const count = async (table: string): Promise<number> =>
    Number((await rows(`select count(*)::int as n from ${table} where workspace_id = '${workspaceId}'`))[0]?.['n']);
  const learn = async (question: string, answer: string): Promise<void> => {
    const { data } = await test.owner<Source>('POST', `/knowledge-bases/${base.id}/sources`, {
      type: 'faq',
      question,
      answer,
    });
    await until(
      async () => (await test.owner<Source>('GET', `/sources/${data.id}`)).data.status === 'ready',
      'it is read',
    );
  };
  async function visit(inbox: Inbox): Promise<{ socket: TestSocket; conversationId: string }> {
    const socket = await connect(test.url, { inbox: inbox.token });
    const began = await socket.call<SessionCreated>('customer:start_chat', { name: 'Maria' });
    assert.ok(began.success, JSON.stringify(began));
    return { socket, conversationId: began.data.conversationId };
  }

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    mover = createMover({ database: test.app.database, announce: () => test.app.placements.reload() });
    base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help' })).data;
    await learn('How long does a refund take?', 'A refund takes five working days after we have received the parcel.');
    bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin', knowledgeBaseIds: [base.id] })).data;
    chat = await openTelegram(test, telegram, bot.id);
    await chat.say(1, 'How long does a refund take?');
    await until(async () => chat.heard(1).some((text) => /five working days/.test(text)), 'the first answer');
    earlier = (await chat.inStatus(1, 'bot')).id;
    const [owner] = await rows(`select workspace_id from inboxes where id = '${chat.inbox.id}'`);
    workspaceId = String(owner?.['workspace_id']);
    schema = schemaOf(workspaceId);
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  it('is not made for a workspace that is not there, nor where it is already', async () => {
    await assert.rejects(mover.move('00000000-0000-7000-8000-000000000000', 'schema'), MoveError);
    await assert.rejects(mover.move(workspaceId, 'shared'), MoveError);
    await assert.rejects(mover.undo(workspaceId), MoveError);
    await assert.rejects(mover.finish(workspaceId), MoveError);
    assert.deepEqual(await rows('select * from placements'), []);
  });

  it('takes everything along, and the shared tables refuse it from then on', async () => {
    const before = await history(test, earlier);
    const moved = await mover.move(workspaceId, 'schema');
    assert.ok(moved.rows > 0);
    assert.equal(moved.tables.find(({ name }) => name === 'messages')?.rows, before.length);
    assert.deepEqual(await history(test, earlier), before);
    assert.equal(await count(`${schema}.messages`), before.length);
    // A process that was asleep during the move believes it to be in the shared tables.
    const client = await test.app.database.pool.connect();
    const late = async (text: string): Promise<string> => {
      try {
        await client.query(`begin; select set_config('app.workspace_id', '${workspaceId}', true)`);
        await client.query(text);
        return 'it worked';
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : 'another error';
      } finally {
        await client.query('rollback');
      }
    };
    for (const text of [
      'select * from conversations',
      `update conversations set labels = '{late}'`,
      'delete from deliveries',
      `insert into contacts (id, workspace_id, name) values (gen_random_uuid(), '${workspaceId}', 'Late')`,
    ])
      assert.equal(await late(text), 'PY001', text);
    client.release();
    assert.deepEqual(
      await test.app.store.asSystem(async (tx) => (await tx.execute(sql`select id from threads`)).rows),
      [],
    );
  });

  it('receives, answers, hands over and searches', async () => {
    await chat.say(1, 'How long does a refund take?');
    await until(async () => chat.heard(1).filter((text) => /five working days/.test(text)).length === 2, 'an answer');
    await learn('Do you ship to Finland?', 'Yes, parcels to Finland take three days.');
    const web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    const agent = await connect(test.url, { token: test.ownerToken });
    const visitor = await visit(web);
    const { conversationId } = visitor;
    const ask = (text: string, clientId: string) =>
      visitor.socket.call('customer:send_message', { conversationId, text, clientId });
    await ask('Do you ship to Finland?', 'c1');
    const answer = await visitor.socket.wait('message:received', (message) => message.author.type === 'bot');
    assert.match(answer.text, /three days/);
    await ask('I want to talk to a human', 'c2');
    await visitor.socket.wait('status:changed', (change) => change.status === 'waiting');
    const picked = await agent.call('agent:pickup_session', { conversationId });
    assert.ok(picked.success, JSON.stringify(picked));
    await agent.call('agent:send_message', { conversationId, text: 'Hello Maria, the zebra is here.', clientId: 'a1' });
    await visitor.socket.wait('message:received', (message) => message.author.type === 'agent');
    const found = await test.owner<Conversation[]>('GET', '/conversations?q=zebra');
    assert.deepEqual(
      found.data.map(({ id }) => id),
      [conversationId],
    );
    const assigned = await test.owner<Member[]>('GET', '/members');
    assert.equal(assigned.status, 200);
    const messages = await history(test, conversationId);
    assertGapless(messages);
    assert.equal(messages[0]?.conversationId ?? conversationId, conversationId);
    assert.equal(
      Number(
        (await rows(`select count(*)::int as n from public.messages where conversation_id = '${conversationId}'`))[0]?.[
          'n'
        ],
      ),
      0,
    );
    visitor.socket.close();
    agent.close();
  });

  it('is found by its lost work too', async () => {
    // As a process leaves it that dies between storing and waking.
    await rows(`begin; select set_config('app.workspace_id', '${workspaceId}', true);
      insert into ${schema}.inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
      select gen_random_uuid(), workspace_id, inbox_id, thread_key, 'lost-1', kind,
        jsonb_set(jsonb_set(payload, '{messageId}', '"77777"'), '{text}', '"Do you ship to Finland?"'), now() - interval '1 minute'
      from ${schema}.inbound_events where kind = 'message' and inbox_id = '${chat.inbox.id}' order by seq desc limit 1; commit`);
    await until(async () => chat.heard(1).some((text) => /three days/.test(text)), 'the lost message is answered');
    await until(
      async () => (await rows(`select from ${schema}.outbox where relayed_at is null`)).length === 0,
      'its facts are relayed',
    );
  });

  it('is not there for another workspace, which lives on in the shared tables', async () => {
    const { call } = await test.stranger();
    for (const path of [`/conversations/${earlier}`, `/bots/${bot.id}`, `/inboxes/${chat.inbox.id}`])
      assert.equal((await call('GET', path)).status, 404, path);
    assert.deepEqual((await call<Conversation[]>('GET', '/conversations')).data, []);
    const made = await call<Bot>('POST', '/bots', { name: 'Theirs' });
    assert.equal(made.status, 201);
    assert.deepEqual(await rows(`select id from ${schema}.bots where id = '${made.data.id}'`), []);
    const tables = await rows(
      `select c.relname::text as name from pg_class c where c.relnamespace = '${schema}'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname <> 'schema_migrations'`,
    );
    assert.ok(tables.length >= 15);
    const client = await test.app.database.pool.connect();
    try {
      for (const { name } of tables) {
        for (const as of ['', '00000000-0000-7000-8000-000000000000']) {
          await client.query(`begin; select set_config('app.workspace_id', '${as}', true)`);
          const seen = await client.query(`select 1 from ${schema}.${String(name)}`);
          await client.query('commit');
          assert.equal(seen.rows.length, 0, `${String(name)} is seen by ${as || 'nobody'}`);
        }
      }
    } finally {
      client.release();
    }
  });

  it('moves back with what was said meanwhile, and can be moved again', async () => {
    const before = await history(test, earlier);
    const back = await mover.move(workspaceId, 'shared');
    assert.ok(back.rows < back.tables.reduce((sum, { rows: n }) => sum + n, 0), 'only what changed is copied');
    assert.deepEqual(await history(test, earlier), before);
    await chat.say(1, 'How long does a refund take?');
    await until(
      async () => saidBy(await history(test, earlier), 'contact').length === saidBy(before, 'contact').length + 1,
      'stored',
    );
    await until(async () => (await history(test, earlier)).at(-1)?.author.type === 'bot', 'answered');
    assertGapless(await history(test, earlier));
    await mover.move(workspaceId, 'schema');
    await assert.rejects(mover.move(workspaceId, 'database', 'postgres://elsewhere'), /kept in shared/);
    await mover.finish(workspaceId);
    assert.equal(await count('public.messages'), 0);
    await mover.move(workspaceId, 'shared');
    await mover.finish(workspaceId);
    assert.deepEqual(await rows('select * from placements'), []);
    assert.deepEqual(await rows(`select from pg_namespace where nspname = '${schema}'`), []);
    assertGapless(await history(test, earlier));
    const { data } = await test.owner<Message[]>('GET', `/conversations/${earlier}/messages?limit=100`);
    assert.equal(data.length, (await history(test, earlier)).length);
  });
});
