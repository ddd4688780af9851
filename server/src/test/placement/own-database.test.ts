import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Inbox, KnowledgeBase, Member, SessionCreated, Source } from '@parley/contract';
import { createKeyring } from '../../platform/crypto.ts';
import { createPartitionKeeper } from '../../platform/db/partitions.ts';
import { createLogger } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { createMover, MoveError } from '../../platform/placement/move.ts';
import type { Mover } from '../../platform/placement/move.ts';
import { ownDatabases } from '../../platform/placement/own-database.ts';
import { connect, startTestApp, until } from '../app.ts';
import type { TestApp } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import type { TelegramDouble } from '../doubles/telegram.ts';
import { join } from '../security/world.ts';
import { createDatabase } from '../servers.ts';
import type { OwnDatabase } from '../servers.ts';
import { assertGapless, history, openTelegram } from '../talk.ts';
import type { Chat } from '../talk.ts';

const server = process.env.TEST_DATABASE_URL;

/** A workspace in a database of its own: the same doors, and nothing of it left where others are. */
describe('a workspace in a database of its own', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let chat: Chat;
  let mover: Mover;
  let bot: Bot;
  let base: KnowledgeBase;
  let workspaceId: string;
  let earlier: string;
  let own: OwnDatabase | undefined;
  const address = (): string => own?.url ?? 'postgres://nowhere/parley';

  const rows = (text: string): Promise<Record<string, unknown>[]> =>
    test.app.database.asOwner(async (client) => (await client.query(text)).rows);
  const ownRows = (text: string): Promise<Record<string, unknown>[]> =>
    test.app.database.asOwner(async (client) => (await client.query(text)).rows, address());
  const learn = async (question: string, answer: string): Promise<void> => {
    const { data } = await test.owner<Source>('POST', `/knowledge-bases/${base.id}/sources`, {
      type: 'faq',
      question,
      answer,
    });
    const isRead = async () => (await test.owner<Source>('GET', `/sources/${data.id}`)).data.status === 'ready';
    await until(isRead, 'it is read');
  };

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    if (server) own = await createDatabase(server, 'own');
    const keyring = createKeyring(test.app.config);
    mover = createMover({ database: test.app.database, keyring, announce: () => test.app.placements.reload() });
    base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help' })).data;
    await learn('How long does a refund take?', 'A refund takes five working days after we have received the parcel.');
    bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin', knowledgeBaseIds: [base.id] })).data;
    chat = await openTelegram(test, telegram, bot.id);
    await chat.say(1, 'How long does a refund take?');
    await until(async () => chat.heard(1).some((text) => /five working days/.test(text)), 'the first answer');
    earlier = (await chat.inStatus(1, 'bot')).id;
    workspaceId = String(
      (await rows(`select workspace_id from inboxes where id = '${chat.inbox.id}'`))[0]?.['workspace_id'],
    );
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
    await own?.drop();
  });

  if (!server) {
    it('needs a server', async () => {
      await assert.rejects(mover.move(workspaceId, 'database', address()), MoveError);
      assert.deepEqual(await rows('select * from placements'), []);
    });
    return;
  }

  it('is not made in the shared database, nor without an address', async () => {
    const shared = new URL(address());
    shared.pathname = `/${String((await rows('select current_database() as name'))[0]?.['name'])}`;
    await assert.rejects(mover.move(workspaceId, 'database', shared.href), /that of the shared database/);
    await assert.rejects(mover.move(workspaceId, 'database'), /address .* is missing/);
    assert.deepEqual(await rows('select * from placements'), []);
  });

  it('takes everything along, its address sealed, no password with it', async () => {
    const before = await history(test, earlier);
    const moved = await mover.move(workspaceId, 'database', address());
    assert.equal(moved.tables.find(({ name: table }) => table === 'messages')?.rows, before.length);
    assert.deepEqual(await history(test, earlier), before);
    assert.equal((await ownRows('select from messages')).length, before.length);
    const [row] = await rows('select address from placements');
    assert.doesNotMatch(String(row?.['address']), /postgres|parley_own/);
    assert.deepEqual(await ownRows('select from users where password_hash is not null'), []);
    assert.equal((await ownRows('select from users')).length, 1);
  });

  it('receives, answers, hands over and searches; a new inbox and a new colleague are there at once', async () => {
    await chat.say(1, 'How long does a refund take?');
    await until(async () => chat.heard(1).filter((text) => /five working days/.test(text)).length === 2, 'an answer');
    await learn('Do you ship to Finland?', 'Yes, parcels to Finland take three days.');
    const web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    const visitor = await connect(test.url, { inbox: web.token });
    const began = await visitor.call<SessionCreated>('customer:start_chat', { name: 'Maria' });
    assert.ok(began.success, JSON.stringify(began));
    const { conversationId } = began.data;
    const ask = (text: string, clientId: string) =>
      visitor.call('customer:send_message', { conversationId, text, clientId });
    await ask('Do you ship to Finland?', 'c1');
    const answer = await visitor.wait('message:received', (message) => message.author.type === 'bot');
    assert.match(answer.text, /three days/);
    await ask('I want to talk to a human', 'c2');
    await visitor.wait('status:changed', (change) => change.status === 'waiting');
    const agent = await connect(test.url, { token: test.ownerToken });
    const picked = await agent.call('agent:pickup_session', { conversationId });
    assert.ok(picked.success, JSON.stringify(picked));
    await agent.call('agent:send_message', { conversationId, text: 'Hello Maria, the zebra is here.', clientId: 'a1' });
    await visitor.wait('message:received', (message) => message.author.type === 'agent');
    const found = await test.owner<Conversation[]>('GET', '/conversations?q=zebra');
    assert.deepEqual(
      found.data.map(({ id }) => id),
      [conversationId],
    );
    await join(test, test.owner, 'colleague@acme.test', 'agent');
    const colleague = (await test.owner<Member[]>('GET', '/members')).data.find(
      ({ email }) => email === 'colleague@acme.test',
    );
    await until(async () => {
      const assigned = await test.owner('POST', `/conversations/${conversationId}/assign`, {
        agentId: colleague?.userId,
      });
      return assigned.status === 200;
    }, 'the colleague can be given a conversation');
    const renamed = await test.owner('PATCH', `/workspaces/${workspaceId}`, { name: 'Acme and Sons' });
    assert.equal(renamed.status, 200);
    assert.deepEqual(await ownRows('select name from workspaces'), [{ name: 'Acme and Sons' }]);
    assertGapless(await history(test, conversationId));
    assert.deepEqual(await rows(`select from conversations where id = '${conversationId}'`), []);
    visitor.close();
    agent.close();
  });

  it('is not there for another workspace, and takes no second one in', async () => {
    const { call } = await test.stranger();
    for (const path of [`/conversations/${earlier}`, `/bots/${bot.id}`, `/inboxes/${chat.inbox.id}`])
      assert.equal((await call('GET', path)).status, 404, path);
    assert.deepEqual((await call<Conversation[]>('GET', '/conversations')).data, []);
    const [theirs] = await rows(`select id from workspaces where id <> '${workspaceId}' limit 1`);
    await assert.rejects(mover.move(String(theirs?.['id']), 'database', address()), /another workspace lives in/);
    const forced =
      await ownRows(`select c.relname::text as name from pg_class c where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition and not c.relforcerowsecurity
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')`);
    assert.deepEqual(forced, []);
  });

  it('gets its coming months like everybody, also beside one that is away', async () => {
    const keyring = createKeyring(test.app.config);
    const { database, placements } = test.app;
    const keeper = (elsewhere: () => Map<string, string>) =>
      createPartitionKeeper({
        database,
        log: createLogger({ level: 'silent' }),
        metrics: createMetrics({ defaults: false }),
        retention: undefined,
        elsewhere,
      });
    const months = async () => (await ownRows(`select from pg_inherits where inhparent = 'messages'::regclass`)).length;
    const before = await months();
    const now = new Date();
    const later = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 2, 10));
    const away = (): Map<string, string> =>
      new Map([['nobody', 'postgres://nobody@127.0.0.1:1/nothing'], ...ownDatabases(placements, keyring)]);
    await assert.rejects(keeper(away).look(later), /could not be looked at/);
    assert.equal(await months(), before + 2);
    const { made } = await keeper(() => ownDatabases(placements, keyring)).look(later);
    assert.deepEqual(made, []);
  });

  it('moves back with what was said meanwhile', async () => {
    const before = await history(test, earlier);
    await mover.move(workspaceId, 'shared');
    assert.deepEqual(await history(test, earlier), before);
    await chat.say(1, 'How long does a refund take?');
    await until(async () => chat.heard(1).filter((text) => /five working days/.test(text)).length === 3, 'an answer');
    assertGapless(await history(test, earlier));
    const late =
      ownRows(`begin; set local role parley_app; select set_config('app.workspace_id', '${workspaceId}', true);
      update bots set name = 'late'; commit`);
    await assert.rejects(late, { code: 'PY001' });
    await mover.finish(workspaceId);
    assert.deepEqual(await ownRows('select from messages'), []);
    assert.deepEqual(await rows('select * from placements'), []);
  });
});
