-- 0039_undo_and_deletions
-- How a move of a conversation is taken back for half a minute; which of a thread's conversations goes on when its customer
-- writes again; and bytes that are to be deleted, since a transaction cannot do that.
-- placement: everywhere

create table if not exists undos (
  id uuid primary key,
  workspace_id uuid not null,
  conversation_id uuid not null references conversations,
  user_id uuid not null,
  -- what the move changed, as it stood
  before jsonb not null,
  -- the message that tells of the move, and its fact
  line_id uuid,
  event text,
  -- of the conversation after the move: a later message has a higher one
  last_seq bigint not null,
  created_at timestamptz not null
);
create index if not exists undos_old on undos (workspace_id, created_at);

create index if not exists conversations_ended on conversations (thread_id, resolved_at desc) where status = 'resolved';

create table if not exists file_removals (
  storage_key text primary key,
  workspace_id uuid not null,
  created_at timestamptz not null
);
create index if not exists file_removals_due on file_removals (created_at);
create index if not exists files_by_storage_key on files (storage_key);
create index if not exists sources_by_file on sources (file_id) where file_id is not null;

do $$
declare t text;
begin
  foreach t in array array['undos', 'file_removals'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('drop policy if exists tenant on %I', t);
    execute format(
      'create policy tenant on %I to parley_app using (workspace_id = nullif(current_setting(''app.workspace_id'', true), '''')::uuid)
       with check (workspace_id = nullif(current_setting(''app.workspace_id'', true), '''')::uuid)', t);
    execute format('grant select, insert, update, delete on %I to parley_app', t);
  end loop;
end $$;
drop policy if exists system on file_removals;
create policy system on file_removals to parley_system using (true) with check (true);
grant select (storage_key, workspace_id, created_at) on file_removals to parley_system;

-- What a conversation's moves change is found by it.
create index if not exists handoffs_by_conversation on handoffs (conversation_id);

-- What earlier deletions left behind: files of sources that are gone, and conversations open in inboxes that are.
do $$
declare t text;
begin
  foreach t in array array['sources', 'files', 'file_removals', 'inboxes', 'conversations', 'handoffs'] loop
    execute format('alter table %I no force row level security', t);
  end loop;
  insert into file_removals (storage_key, workspace_id, created_at)
    select distinct on (f.storage_key) f.storage_key, f.workspace_id, now() from files f
    where f.conversation_id is null and exists (select from sources s where s.file_id = f.id and s.deleted_at is not null)
    on conflict do nothing;
  update sources set file_id = null where deleted_at is not null and file_id is not null;
  delete from files f where f.conversation_id is null and exists (select from file_removals r where r.storage_key = f.storage_key)
    and not exists (select from sources s where s.file_id = f.id);
  update handoffs h set status = 'cancelled', ended_at = now() from conversations c join inboxes i on i.id = c.inbox_id
    where h.conversation_id = c.id and h.status = 'waiting' and i.deleted_at is not null;
  update conversations c set status = 'resolved', resolved_at = now(), snoozed_until = null from inboxes i
    where i.id = c.inbox_id and i.deleted_at is not null and c.status <> 'resolved';
  foreach t in array array['sources', 'files', 'file_removals', 'inboxes', 'conversations', 'handoffs'] loop
    execute format('alter table %I force row level security', t);
  end loop;
end $$;
