-- placement: everywhere
-- Files that customers sent and that still lie at their platform: what is tried, until when, and what became of it.

create table file_fetches (
  id uuid primary key,
  workspace_id uuid not null,
  conversation_id uuid not null,
  message_id uuid not null,
  -- among the files of its message
  position integer not null,
  -- how the platform names it
  media jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'stored', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- while somebody fetches it
  lease_until timestamptz,
  -- for so long the platform keeps it
  until timestamptz not null,
  attachment jsonb,
  error text,
  created_at timestamptz not null default now()
);
create unique index file_fetches_once on file_fetches (message_id, position);
create index file_fetches_due on file_fetches (next_attempt_at) where state = 'pending';
create index file_fetches_old on file_fetches (created_at);

alter table file_fetches enable row level security;
alter table file_fetches force row level security;
create policy tenant on file_fetches to parley_app using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid)
  with check (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on file_fetches to parley_app;

create policy system on file_fetches to parley_system using (true) with check (true);
grant select (id, workspace_id, message_id, state, next_attempt_at, lease_until, created_at) on file_fetches to parley_system;
grant delete on file_fetches to parley_system;
