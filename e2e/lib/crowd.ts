import type { Client } from 'pg';
import { openDatabase } from '../../server/src/platform/data/index.ts';
import { createLogger } from '../../server/src/platform/telemetry/log.ts';

/** A uuid v7 of the moment `at`, like those the product makes: the months of the messages depend on it. */
const idAt = (at: string, salt: string): string => `(
  substr(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0'), 1, 8) || '-' ||
  substr(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0'), 9, 4) || '-7' ||
  substr(md5(${salt}), 1, 3) || '-8' || substr(md5(${salt}), 4, 3) || '-' || substr(md5(${salt}), 7, 12))::uuid`;

const NAMES = `array['Maria Virtanen', 'Juho Korhonen', 'Aino Laine', 'Matti Nieminen', 'Friederike Schmidt-Holzmann', 'Ali Rezaei',
  'Chidi Okafor', 'Zoë van der Berg', 'Liisa Mäkelä', 'Ana Souza', 'Sebastian Donaudampfschiff', 'Priya Raman', 'Tom Hart']`;
const QUESTIONS = `array['My refund has not arrived, and it is two weeks now.', 'Where is my parcel?', 'Can I change the address of order 20413?',
  'Das Zelt hat ein Loch. Wie bekomme ich Ersatz?', 'Voinko palauttaa teltan, jos se on jo käytetty yhden kerran metsässä?',
  'The stove hisses and the flame is yellow. Is that dangerous?', 'Do you ship to Norway?', 'I was charged twice for the same order',
  'Is the blue one back in stock next week?', 'Thank you, that works']`;

/**
 * A busy workspace, written with SQL in seconds: `count` conversations of the newest workspace, twenty seconds apart, of
 * every kind: a fifth with the bot, a tenth waiting, two fifths with a person, some snoozed, a quarter resolved. A pure
 * function of `count`.
 */
export async function fillDesk(dataDir: string, count: number): Promise<void> {
  const database = await openDatabase(
    { dataDir, database: { url: undefined, replicaUrls: [] } },
    createLogger({ level: 'fatal' }),
  );
  try {
    await database.asOwner((client) => fill(client, count));
  } finally {
    await database.close();
  }
}

async function fill(client: Client, count: number): Promise<void> {
  await client.query(`
    create temp table plan as
    select i, w.id as workspace, o.user_id as owner,
      case when i % 20 < 4 then 'bot' when i % 20 < 6 then 'waiting' when i % 20 < 14 then 'agent'
        when i % 20 = 14 then 'snoozed' else 'resolved' end as status,
      date_trunc('milliseconds', now()) - interval '1 minute' - i * interval '20 seconds' as at,
      inboxes.ids[1 + i % cardinality(inboxes.ids)] as inbox,
      gen_random_uuid() as contact, gen_random_uuid() as thread, gen_random_uuid() as conversation
    from (select id from workspaces order by id desc limit 1) w,
      lateral (select user_id from memberships where workspace_id = w.id order by user_id limit 1) o,
      lateral (select array_agg(id order by id) as ids from inboxes where workspace_id = w.id and deleted_at is null) inboxes,
      generate_series(1, ${count}) as i`);
  await client.query(`insert into contacts (id, workspace_id, name, email)
    select contact, workspace, (${NAMES})[1 + i % 13] || ' ' || i, 'customer' || i || '@example.com' from plan`);
  await client.query(`insert into threads (id, workspace_id, inbox_id, thread_key, contact_id)
    select thread, workspace, inbox, 'crowd-' || i, contact from plan`);
  await client.query(`insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status, assignee_id, priority,
      labels, last_seq, messages_from, last_message_at, last_message_preview, last_message_author, unread_count, resolved_at,
      snoozed_until, created_at, updated_at)
    select conversation, workspace, inbox, thread, contact, status, case when status = 'agent' and i % 2 = 0 then owner end,
      case when i % 41 = 0 then 'high' else 'normal' end,
      case when i % 5 = 0 then array['billing'] when i % 7 = 0 then array['returns', 'Rückerstattung', 'vip'] else '{}' end,
      4, ${idAt("at - interval '3 minutes'", "i || '-1'")}, at, 'Let me look that up for you.',
      case when status = 'agent' then 'agent' else 'bot' end, case when i % 3 = 0 and status <> 'resolved' then 1 + i % 4 else 0 end,
      case when status = 'resolved' then at end, case when status = 'snoozed' then now() + interval '1 day' end,
      at - interval '3 minutes', at
    from plan`);
  await client.query(`insert into messages (id, workspace_id, conversation_id, seq, author_type, author_name, text, status, created_at)
    select ${idAt('m.made', "i || '-' || n")}, workspace, conversation, n, author,
      case author when 'bot' then 'Robin' when 'agent' then 'Olivia Owner' end,
      case n when 1 then 'Hello' when 3 then (${QUESTIONS})[1 + i % 10] else 'Let me look that up for you.' end,
      case when n = 4 and status = 'agent' and i % 37 = 0 then 'failed' else 'sent' end, m.made
    from plan, generate_series(1, 4) as n,
      lateral (select at - (4 - n) * interval '1 minute' as made,
        case when n in (1, 3) then 'contact' when status = 'agent' and n = 4 then 'agent' else 'bot' end as author) m`);
  await client.query(`insert into handoffs (id, workspace_id, conversation_id, reason, priority, question, waiting_since)
    select gen_random_uuid(), workspace, conversation, 'CUSTOMER_REQUEST', 'normal', (${QUESTIONS})[1 + i % 10], at
    from plan where status = 'waiting'`);
  await client.query('drop table plan');
  await client.query('select make_partitions()');
  await client.query('analyze');
}
