import assert from 'node:assert/strict';
import { sql } from 'drizzle-orm';
import { newId } from '../platform/data/ids.ts';
import { createStore } from '../platform/data/tenant.ts';
import { finishTurn } from '../turn/finish.ts';
import { claimThread, LeaseLost } from '../turn/lease.ts';
import type { ClaimedThread } from '../turn/lease.ts';
import type { Round } from '../turn/mailbox.ts';
import type { ThreadKey } from '../turn/threads.ts';
import { addWorkspace, createTestDatabase } from './database.ts';

export type Threads = Awaited<ReturnType<typeof openThreads>>;

/** The threads of one inbox on the database alone, for holders as several processes would be. */
export async function openThreads() {
  const workspaceId = newId();
  const inboxId = newId();
  const database = await createTestDatabase();
  const store = createStore(database.database);
  await addWorkspace(database.database, workspaceId, inboxId);
  let key: ThreadKey = { workspaceId, inboxId, threadKey: '' };
  let index = 0;

  const run = <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row[]> =>
    store.once<Row>(workspaceId, query);

  /** An event as `receive` leaves it, without the wake. `ago`: how long it lies there. */
  async function arrive(text: string, ago = '0 seconds'): Promise<string> {
    const id = newId();
    const payload = { kind: 'message', text, media: [], sender: { externalId: key.threadKey } };
    await run(sql`
      insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
      values (${id}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${key.threadKey}, ${id}, 'message',
        ${JSON.stringify(payload)}::jsonb, now() - ${ago}::interval)`);
    return id;
  }
  const taken = async (): Promise<ClaimedThread> => {
    const claimed = await claimThread(store, key);
    assert.ok(claimed, 'the thread was free');
    return claimed;
  };
  /** The holder is paused for longer than its lease: only the database's clock says so. */
  const letItRunOut = (threadId: string) =>
    run(sql`update threads set lease_until = now() - interval '1 second' where id = ${threadId}::uuid`);
  const roundOf = (claimed: ClaimedThread): Round => ({ ...claimed, key, signal: new AbortController().signal });
  const processed = async (id: string): Promise<boolean> => {
    const [row] = await run<{ done: boolean }>(
      sql`select processed_at is not null as done from inbound_events where id = ${id}::uuid`,
    );
    return row?.done === true;
  };
  const markDone = async (round: Round): Promise<void> => {
    if (!(await finishTurn(store, round, undefined, { status: 'silent', handler: '' }, {}))) throw new LeaseLost();
  };

  async function openConversationOf(claimed: ClaimedThread): Promise<string> {
    const id = newId();
    const contact = newId();
    await database.database.asOwner(async (client) => {
      await client.query("insert into contacts (id, workspace_id, name) values ($1, $2, 'Maria')", [
        contact,
        workspaceId,
      ]);
      await client.query(
        "insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status) values ($1, $2, $3, $4, $5, 'bot')",
        [id, workspaceId, inboxId, claimed.lease.threadId, contact],
      );
    });
    return id;
  }

  return {
    workspaceId,
    kind: database.database.kind,
    store,
    run,
    arrive,
    taken,
    letItRunOut,
    roundOf,
    processed,
    markDone,
    openConversationOf,
    /** Another thread, which the others speak of from now on. */
    next(): ThreadKey {
      index += 1;
      key = { workspaceId, inboxId, threadKey: `chat ${index}` };
      return key;
    },
    close: database.remove,
  };
}
