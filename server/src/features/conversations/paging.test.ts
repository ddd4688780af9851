import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { ConversationQuery } from '@parley/contract';
import { newId } from '../../platform/data/ids.ts';
import { createStore } from '../../platform/data/tenant.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { addWorkspace, createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { listTraces } from '../bots/trace-queries.ts';
import { listContacts } from '../contacts/queries.ts';
import { append } from '../messages/commands.ts';
import { latest } from '../messages/queries.ts';
import { listConversations } from './queries.ts';

/** A cursor names a place in an order, so that nothing is skipped or shown twice: with ties, and while rows come and change. */
describe('paging by cursor', () => {
  const workspaceId = newId();
  const inboxId = newId();
  const botId = newId();
  let database: TestDatabase;
  let store: Store;
  const run = <Row extends Record<string, unknown>>(query: SQL): Promise<Row[]> => store.once<Row>(workspaceId, query);
  const inside = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => store.inWorkspace(workspaceId, work);

  async function converse(at: string): Promise<string> {
    const id = newId();
    await run(sql`
      with p as (insert into contacts (id, workspace_id, name) values (${id}::uuid, ${workspaceId}::uuid, 'Ann')),
        t as (insert into threads (id, workspace_id, inbox_id, thread_key) values (${id}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${id}))
      insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status, last_message_at)
      values (${id}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${id}::uuid, ${id}::uuid, 'bot', ${at}::timestamptz)`);
    return id;
  }
  /** All pages, with something happening between them. */
  async function pages(
    page: (cursor: string | undefined) => Promise<{ ids: string[]; nextCursor: string | null }>,
    between: (shown: string[]) => Promise<unknown>,
  ): Promise<string[]> {
    const shown: string[] = [];
    let cursor: string | undefined;
    for (let count = 0; count < 100; count++) {
      const { ids, nextCursor } = await page(cursor);
      shown.push(...ids);
      if (nextCursor === null) return shown;
      cursor = nextCursor;
      await between(shown);
    }
    throw new Error('the pages have no end');
  }
  const conversationPage = async (cursor: string | undefined) => {
    const query = ConversationQuery.parse({ limit: '4', cursor });
    const { conversations, nextCursor } = await inside((tx) => listConversations(tx, newId(), query));
    return { ids: conversations.map(({ id }) => id), nextCursor };
  };

  before(async () => {
    database = await createTestDatabase();
    store = createStore(database.database);
    await addWorkspace(database.database, workspaceId, inboxId);
    await database.database.asOwner((client) =>
      client.query("insert into bots (id, workspace_id, name) values ($1, $2, 'Bot')", [botId, workspaceId]),
    );
  });
  after(() => database?.remove());

  it('of conversations: twenty of one millisecond, while others come, speak and are changed', async () => {
    const tied = await Promise.all(Array.from({ length: 20 }, () => converse('2026-01-02T03:04:05.678Z')));
    // The same millisecond, but for what a Date cannot hold.
    tied.push(await converse('2026-01-02T03:04:05.678211Z'));
    const older = await Promise.all(Array.from({ length: 5 }, (_, index) => converse(`2026-01-01T00:00:0${index}Z`)));
    const oldest = older[0] ?? '';
    let round = 0;
    const shown = await pages(conversationPage, async (sofar) => {
      await converse(new Date().toISOString());
      // One that was shown speaks, and one changes without speaking.
      const spoke = sofar[round++];
      if (spoke)
        await inside((tx) =>
          append(tx, { workspaceId, conversationId: spoke }, [
            { author: { type: 'contact', id: null, name: null }, text: 'again' },
          ]),
        );
      await run(sql`update conversations set labels = '{changed}', updated_at = now() where id = ${oldest}::uuid`);
    });
    assert.equal(new Set(shown).size, shown.length, 'nothing is shown twice');
    const byId = (a: string, b: string): number => (a < b ? 1 : -1);
    assert.deepEqual(shown, [...tied.toSorted(byId), ...older.toReversed()], 'nothing is skipped, in the order it had');
  });

  it('of conversations: what stands above one and what begins with it meet without a gap', async () => {
    const list = async (query: Record<string, string>) =>
      inside((tx) => listConversations(tx, newId(), ConversationQuery.parse(query)));
    const all = (await list({ limit: '100' })).conversations.map(({ id }) => id);
    const at = 12;
    const anchor = all[at] ?? '';
    const above = await list({ above: anchor, limit: '5' });
    const from = await list({ from: anchor, limit: '5' });
    const found = [...above.conversations, ...from.conversations].map(({ id }) => id);
    assert.deepEqual(found, all.slice(at - 5, at + 5));
    assert.ok(above.nextCursor && from.nextCursor, 'there is more at both ends');
    const top = await list({ above: all[3] ?? '', limit: '5' });
    assert.deepEqual([top.conversations.map(({ id }) => id), top.nextCursor], [all.slice(0, 3), null]);
    // Its place counts, whether or not the list has it.
    const others = await list({ from: anchor, status: 'resolved' });
    assert.deepEqual(others.conversations, []);
    assert.deepEqual(await list({ from: newId() }), { conversations: [], nextCursor: null });
  });

  it('a row tells what the customer wrote last, whoever spoke since, and whether ours did not arrive', async () => {
    const conversationId = await converse(new Date().toISOString());
    const say = (type: 'contact' | 'bot' | 'agent' | 'system', text: string, more: { private?: boolean } = {}) =>
      inside((tx) =>
        append(tx, { workspaceId, conversationId }, [{ author: { type, id: null, name: null }, text, ...more }]),
      );
    const row = async () => {
      const { conversations } = await inside((tx) =>
        listConversations(tx, newId(), ConversationQuery.parse({ from: conversationId, limit: '1' })),
      );
      const [{ lastCustomerPreview, sendFailed } = { lastCustomerPreview: null, sendFailed: null }] = conversations;
      return { lastCustomerPreview, sendFailed };
    };
    assert.deepEqual(await row(), { lastCustomerPreview: '', sendFailed: false });
    await say('contact', 'Where is  my\nparcel?');
    await say('bot', 'Let me look that up.');
    await say('system', 'Olivia took over.');
    await say('agent', 'A note', { private: true });
    assert.deepEqual(await row(), { lastCustomerPreview: 'Where is my parcel?', sendFailed: false });
    await say('agent', 'It is on its way.');
    await run(
      sql`update messages set status = 'failed' where conversation_id = ${conversationId}::uuid and text = 'It is on its way.'`,
    );
    await say('contact', 'Hello?');
    assert.deepEqual(await row(), { lastCustomerPreview: 'Hello?', sendFailed: true });
    await say('agent', 'It comes today.');
    assert.deepEqual(await row(), { lastCustomerPreview: 'Hello?', sendFailed: false });
  });

  it('of messages: each once, while the conversation goes on', async () => {
    const conversationId = await converse(new Date().toISOString());
    const say = (): Promise<unknown> =>
      inside((tx) =>
        append(
          tx,
          { workspaceId, conversationId },
          Array.from({ length: 3 }, () => ({ author: { type: 'contact' as const, id: null, name: null }, text: 'x' })),
        ),
      );
    for (let count = 0; count < 7; count++) await say();
    const shown = await pages(async (cursor) => {
      const messages = await inside((tx) =>
        latest(tx, conversationId, 4, cursor === undefined ? undefined : Number(cursor)),
      );
      const first = messages[0];
      return {
        ids: messages.toReversed().map(({ seq }) => String(seq)),
        nextCursor: first && first.seq > 1 ? String(first.seq) : null,
      };
    }, say);
    assert.deepEqual(
      shown,
      Array.from({ length: 21 }, (_, index) => String(21 - index)),
    );
  });

  it('of contacts and of traces: made in one statement, in one moment', async () => {
    const other = newId();
    await run(sql`
      insert into traces (id, workspace_id, bot_id, question, record)
      select i::uuid, ${workspaceId}::uuid, ${botId}::uuid, 'q', '{}' from jsonb_array_elements_text(${JSON.stringify(
        Array.from({ length: 13 }, () => newId()),
      )}::jsonb) i`);
    await run(sql`insert into traces (id, workspace_id, bot_id, question, record)
      values (${newId()}::uuid, ${workspaceId}::uuid, ${other}::uuid, 'q', '{}')`);
    const traces = await pages(
      async (cursor) => {
        const page = await inside((tx) => listTraces(tx, botId, { cursor, limit: 4 }));
        return { ids: page.traces.map(({ id }) => id), nextCursor: page.nextCursor };
      },
      () =>
        run(sql`insert into traces (id, workspace_id, bot_id, question, record)
          values (${newId()}::uuid, ${workspaceId}::uuid, ${botId}::uuid, 'q', '{}')`),
    );
    assert.equal(traces.length, 13);
    assert.deepEqual(traces, [...new Set(traces)].toSorted().toReversed());

    const [{ n } = { n: 0 }] = await run<{ n: number }>(sql`select count(*)::int as n from contacts`);
    const contacts = await pages(
      async (cursor) => {
        const page = await inside((tx) => listContacts(tx, { cursor, limit: 7 }));
        return { ids: page.contacts.map(({ id }) => id), nextCursor: page.nextCursor };
      },
      () => converse(new Date().toISOString()),
    );
    assert.equal(contacts.length, n);
    assert.deepEqual(contacts, [...new Set(contacts)].toSorted().toReversed());
  });
});
