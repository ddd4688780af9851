import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Inbound } from '../channels/contract.ts';
import { append, cite } from '../features/messages/commands.ts';
import type { Appended, NewMessage } from '../features/messages/commands.ts';
import { forgetPreviews } from '../features/conversations/retention.ts';
import { forgetWords } from '../features/handoffs/retention.ts';
import { messageFacts } from '../features/messages/facts.ts';
import { byAgentsClientId, latest, newestFirst, ofTurn, oldestFirst } from '../features/messages/queries.ts';
import { createPartitionKeeper } from '../platform/data/partitions.ts';
import { createIdSource, newId } from '../platform/data/ids.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { inEachWorkspace } from '../features/workspaces/commands.ts';
import { createStore } from '../platform/data/tenant.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import { addWorkspace, createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { createDedupeRetention, forgetDeliveries, forgetTurns } from './retention.ts';
import type { PendingEvent } from './threads.ts';
import { contextColumns } from './context.ts';
import { isMessage } from './events.ts';
import { receivedFacts } from './store.ts';

const monthStart = (offset: number): Date => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1));
};
let tick = 0;
/** An id made in the middle of the month this many months from now. */
const idIn = (offset: number): string => {
  const moment = monthStart(offset).getTime() + 15 * 86_400_000 + ++tick;
  return createIdSource(
    () => moment,
    (bytes) => Buffer.alloc(bytes, tick % 256),
  )();
};
const suffix = (offset: number): string => monthStart(offset).toISOString().slice(0, 7).replace('-', '_');

describe('messages of many months', () => {
  const workspaceId = newId();
  const inboxId = newId();
  const contactId = newId();
  let database: TestDatabase;
  let store: Store;
  let conversationId = '';
  let threads = 0;

  const run = <Row extends Record<string, unknown>>(query: SQL): Promise<Row[]> => store.once<Row>(workspaceId, query);
  const inside = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => store.inWorkspace(workspaceId, work);
  const say = (id: string, more: Partial<NewMessage> = {}, to = conversationId): Promise<Appended> =>
    inside((tx) =>
      append(tx, { workspaceId, conversationId: to }, [
        { id, author: { type: 'contact', id: null, name: null }, text: `said ${id}`, ...more },
      ]),
    );
  const keeper = (messages = 0) =>
    createPartitionKeeper({
      database: database.database,
      log: createLogger({ level: 'fatal' }),
      metrics: createMetrics({ defaults: false }),
      tables: ['messages'],
      retention: { messages },
      deleteExpired: (_table, before) =>
        inEachWorkspace(store, [forgetPreviews, forgetWords, forgetDeliveries, forgetTurns], before),
    });

  async function converse(): Promise<string> {
    threads += 1;
    const [id, thread] = [newId(), newId()];
    await run(sql`
      with t as (insert into threads (id, workspace_id, inbox_id, thread_key) values (${thread}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${`chat ${threads}`}))
      insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status)
      values (${id}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${thread}::uuid, ${contactId}::uuid, 'bot')`);
    return id;
  }

  before(async () => {
    database = await createTestDatabase();
    store = createStore(database.database);
    await addWorkspace(database.database, workspaceId, inboxId);
    await database.database.asOwner((client) =>
      client.query("insert into contacts (id, workspace_id, name) values ($1, $2, 'Ann')", [contactId, workspaceId]),
    );
  });
  after(() => database?.remove());
  beforeEach(async () => {
    conversationId = await converse();
  });

  describe('what is unique stays unique across the end of a month', () => {
    it('an event stored twice is one message, also in another conversation', async () => {
      const id = idIn(-1);
      assert.equal((await say(id)).outcome, 'stored');
      assert.equal((await say(id)).outcome, 'known');
      assert.equal((await say(id, {}, await converse())).outcome, 'known');
    });

    it('a paragraph of a turn that is begun again in the next month is not said again', async () => {
      const turnId = newId();
      const bot = { author: { type: 'bot', id: null, name: 'Bot' } as const, turnId, ordinal: 0 };
      assert.equal((await say(idIn(0), bot)).outcome, 'stored');
      // Also by a process whose clock is in the month before.
      for (const month of [1, -1]) assert.equal((await say(idIn(month), bot)).outcome, 'known');
      assert.equal((await say(idIn(1), { ...bot, ordinal: 1 })).outcome, 'stored');
      const said = await inside((tx) => ofTurn(tx, conversationId, turnId));
      assert.deepEqual(
        said.map(({ ordinal }) => ordinal),
        [0, 1],
      );
      const source = { chunkId: newId(), sourceId: newId(), sourceType: 'faq' as const, url: null };
      const citation = { number: 1, title: 'T', headingPath: '', quote: 'q', ...source };
      const cited = await inside((tx) => cite(tx, { conversationId, turnId, ordinal: 1 }, [citation]));
      assert.equal(cited?.citations.length, 1);
    });

    it('a resend under the sender’s own id is known; the same id of another sender is another message', async () => {
      assert.equal((await say(idIn(-1), { clientId: 'c' })).outcome, 'stored');
      assert.equal((await say(idIn(0), { clientId: 'c' })).outcome, 'known');
      const agent = { author: { type: 'agent', id: newId(), name: 'Ada' } as const, clientId: 'c' };
      assert.equal((await say(idIn(0), agent)).outcome, 'stored');
      assert.ok(await inside((tx) => byAgentsClientId(tx, conversationId, 'c')));
    });

    it('of twelve resends at the same instant around midnight one is stored', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          inside(async (tx) => {
            // As `reply` does: the row is locked before anybody looks.
            await tx.execute(sql`select 1 from conversations where id = ${conversationId}::uuid for update`);
            const author = { type: 'agent', id: null, name: 'Ada' } as const;
            const message = { id: idIn(index % 2), author, text: 'once', clientId: 'twelve' };
            return (await append(tx, { workspaceId, conversationId }, [message])).outcome;
          }),
        ),
      );
      assert.deepEqual(outcomes.toSorted(), [...Array.from({ length: 11 }, () => 'known'), 'stored']);
    });

    it('numbers go on without a gap, whichever month the ids are of', async () => {
      const months = [0, -2, 1, -1, 0, -2];
      for (const month of months) assert.equal((await say(idIn(month))).outcome, 'stored');
      const messages = await inside((tx) => latest(tx, conversationId, 50));
      assert.deepEqual(
        messages.map(({ seq }) => seq),
        [1, 2, 3, 4, 5, 6],
      );
    });
  });

  describe('only the months a conversation lived in are read', () => {
    /** The months whose rows or indexes a query touched. */
    async function touched(query: SQL): Promise<string[]> {
      const [row] = await run<{ 'QUERY PLAN': unknown }>(
        sql`explain (analyze, costs off, timing off, summary off, format json) ${query}`,
      );
      const months = new Set<string>();
      const walk = (node: unknown): void => {
        if (Array.isArray(node)) node.forEach(walk);
        if (typeof node !== 'object' || node === null) return;
        const plan = node as Record<string, unknown>;
        const table = plan['Relation Name'];
        if (typeof table === 'string' && table.startsWith('messages_') && plan['Actual Loops'] !== 0)
          months.add(table.slice('messages_'.length));
        Object.values(plan).forEach(walk);
      };
      walk(row);
      return [...months].toSorted();
    }
    const ahead = [suffix(0), suffix(1), suffix(2), 'default'];

    it('the list, what came after, and what a turn reads; and all of them without the bound', async () => {
      for (const month of [-6, -5, -4, -3]) await say(idIn(month));
      await keeper().look();
      const recent = await converse();
      for (const month of [-1, 0]) await say(idIn(month), {}, recent);
      await keeper().look();
      const lived = [suffix(-1), ...ahead];
      const queries = (id: string): SQL[] => [
        newestFirst(id, 50),
        newestFirst(id, 2, 40),
        oldestFirst(id, 1, 50),
        sql`select ${contextColumns({ id, contactId, status: 'bot', botId: null })}`,
        sql`select count(*) from messages where turn_id = ${newId()}::uuid and ordinal = 1
          and id >= (select messages_from from conversations where id = ${id}::uuid)`,
      ];
      for (const query of queries(recent)) assert.deepEqual(await touched(query), lived);
      for (const query of queries(conversationId))
        assert.deepEqual(
          (await touched(query)).filter((month) => month < suffix(-2)),
          [-6, -5, -4, -3].map(suffix),
        );
      assert.equal((await inside((tx) => latest(tx, conversationId, 50))).length, 4);
      // By its id, a message is looked for in its month alone.
      assert.deepEqual(await touched(sql`select * from messages where id = ${idIn(-5)}::uuid`), [suffix(-5)]);
      const unbound = await touched(
        sql`select * from messages where conversation_id = ${recent}::uuid order by seq desc limit 50`,
      );
      assert.ok(unbound.includes(suffix(-6)), 'without the bound every month is read');
    });
  });

  describe('what is no longer kept', () => {
    it('goes with its month: messages, what finds them, and the words that are left of them', async () => {
      const old = await converse();
      await say(idIn(-4), { text: 'an ancientword' }, old);
      await say(idIn(0), { text: 'still here' });
      const [thread] = await run<{ id: string }>(
        sql`select thread_id as id from conversations where id = ${old}::uuid`,
      );
      const [doneId, waitingId, turnId] = [idIn(-4), idIn(-4), idIn(-4)];
      await run(sql`update conversations set last_message_at = now() - interval '4 months' where id = ${old}::uuid`);
      await run(sql`insert into handoffs (id, workspace_id, conversation_id, reason, question, status, waiting_since)
        values (${newId()}::uuid, ${workspaceId}::uuid, ${old}::uuid, 'ASKED', 'an ancientword', 'closed', now() - interval '4 months')`);
      for (const [id, state] of [
        [doneId, 'sent'],
        [waitingId, 'pending'],
      ] as const)
        await run(sql`insert into deliveries (id, workspace_id, inbox_id, thread_id, conversation_id, message_id, state)
          values (${id}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${thread?.id}::uuid, ${old}::uuid, ${newId()}::uuid, ${state})`);
      await run(sql`insert into turns (id, workspace_id, conversation_id, thread_id, last_event_seq, lease_token, status)
        values (${turnId}::uuid, ${workspaceId}::uuid, ${old}::uuid, ${thread?.id}::uuid, 1, 1, 'answered')`);
      const found = () =>
        run(sql`select conversations_with(websearch_to_tsquery('simple', 'ancientword'))::text as id`);

      await keeper().look();
      assert.deepEqual(await found(), [{ id: old }]);
      const { retired } = await keeper(3).look();
      assert.ok(retired.includes(`messages_${suffix(-4)}`) && !retired.includes(`messages_${suffix(-3)}`));

      assert.deepEqual(await found(), []);
      assert.deepEqual(await inside((tx) => latest(tx, old, 10)), []);
      assert.equal((await inside((tx) => latest(tx, conversationId, 10))).length, 1);
      const words = await run(sql`
        select (select last_message_preview from conversations where id = ${old}::uuid) as old,
          (select last_message_preview from conversations where id = ${conversationId}::uuid) as current,
          (select question from handoffs where conversation_id = ${old}::uuid) as question,
          (select json_agg(id) from deliveries where conversation_id = ${old}::uuid) as deliveries,
          (select count(*)::int from turns where conversation_id = ${old}::uuid) as turns`);
      assert.deepEqual(words, [{ old: '', current: 'still here', question: null, deliveries: [waitingId], turns: 0 }]);
      // It goes on: what the customer writes now has the next number.
      assert.equal((await say(newId(), {}, old)).outcome, 'stored');
      assert.deepEqual(
        (await inside((tx) => latest(tx, old, 10))).map(({ seq }) => seq),
        [2],
      );
    });

    it('ids of platforms are forgotten in batches when no platform sends them again', async () => {
      const know = (count: number, age: string) =>
        run(sql`insert into inbound_ids (workspace_id, inbox_id, platform_id, event_id, received_at)
          select ${workspaceId}::uuid, ${inboxId}::uuid, ${age} || n, gen_random_uuid(), now() - ${age}::interval from generate_series(1, ${count}::int) n`);
      await know(5_003, '15 days');
      await know(2, '13 days');
      const trim = createDedupeRetention(store);
      assert.deepEqual([await trim(), await trim(), await trim()], [5_000, 3, 0]);
      assert.deepEqual(await run(sql`select count(*)::int as n from inbound_ids`), [{ n: 2 }]);
      await know(1, '16 days');
      assert.equal(await trim(), 0, 'it looked a moment ago');
    });
  });

  describe('the second role', () => {
    it('sees mailboxes and facts, and nothing a customer wrote', async () => {
      const asSystem = (text: string): Promise<unknown> =>
        store
          .asSystem((tx) => tx.execute(sql.raw(text)))
          .then(
            () => 'it worked',
            (error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error),
          );
      assert.equal(await asSystem('select id, thread_key, received_at from inbound_events'), 'it worked');
      assert.equal(await asSystem('select payload from outbox'), 'it worked');
      for (const text of [
        'select payload from inbound_events',
        'select platform_id from inbound_ids',
        'select event_id from inbound_ids',
        'select text from messages',
        `select * from messages_${suffix(0)}`,
        'select name from contacts',
        'select external_id from contact_identities',
        'select text from chunks',
        'select content from sources',
        'select last_message_preview from conversations',
        'select question from handoffs',
        'select question from traces',
        'select error from deliveries',
        'select storage_key from files',
        'update inbound_events set processed_at = now()',
        'update conversations set status = status',
        'insert into outbox (id) values (gen_random_uuid())',
        `update outbox set payload = '{}'`,
      ])
        assert.match(String(await asSystem(text)), /permission denied/, text);
    });

    it('finds no words of a customer in the facts it hands on, nor the name of a file', () => {
      const media = [{ kind: 'document' as const, reference: 'f', name: 'passport of Ann.pdf' }];
      const sender = { externalId: '1', name: 'Ann' };
      const event: Inbound = {
        ...{ kind: 'message', messageId: '1', type: 'document', text: 'my secret', media, sender },
        ...{ threadKey: 't', platformId: 'p', at: new Date().toISOString() },
      };
      const pending: PendingEvent = { id: newId(), seq: 1, attempts: 0, requestId: null, event };
      const events = [pending].filter(isMessage);
      assert.equal(events.length, 1);
      const author = { type: 'contact' as const, id: null, name: 'Ann' };
      const facts = receivedFacts({ workspaceId, conversationId }, events)({ author, text: 'my secret' }, pending.id);
      assert.deepEqual(facts, [
        messageFacts.make('message.received', {
          workspaceId,
          subjectId: pending.id,
          payload: { conversationId, files: 1 },
        }),
      ]);
    });
  });
});
