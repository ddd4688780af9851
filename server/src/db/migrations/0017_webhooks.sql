-- placement: everywhere
-- Webhooks of a workspace: where it wants to be told what happens, and what was told there. A delivery keeps what it is
-- about, and no word anybody wrote: its body is made when it is sent.

create table webhook_endpoints (
  id uuid primary key,
  workspace_id uuid not null,
  url text not null,
  description text not null default '',
  -- empty: every event
  events text[] not null default '{}',
  -- sealed, the newest first; a replaced one has an end
  secrets jsonb not null,
  enabled boolean not null default true,
  -- set when it was switched off by the product rather than by a person
  disabled_reason text,
  -- of the first failure after the last success
  failing_since timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now()
);
create index webhook_endpoints_list on webhook_endpoints (workspace_id, created_at);

create table webhook_deliveries (
  id uuid primary key,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  fact_id uuid not null,
  type text not null,
  subject_id uuid not null,
  detail jsonb not null default '{}',
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- while somebody sends it
  lease_until timestamptz,
  status integer,
  error text,
  response_ms integer,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
-- A fact goes to an endpoint once, however often it is relayed.
create unique index webhook_deliveries_once on webhook_deliveries (endpoint_id, fact_id);
create index webhook_deliveries_log on webhook_deliveries (endpoint_id, created_at desc);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where state = 'pending';
create index webhook_deliveries_old on webhook_deliveries (created_at);

alter table webhook_endpoints enable row level security;
alter table webhook_endpoints force row level security;
create policy tenant on webhook_endpoints to parley_app using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid)
  with check (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on webhook_endpoints to parley_app;

alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
create policy tenant on webhook_deliveries to parley_app using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid)
  with check (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on webhook_deliveries to parley_app;

-- Who wants to be told of a fact is known before anything is done for it; what is due, or old, is found for everybody.
create policy system on webhook_endpoints to parley_system using (true) with check (true);
grant select (id, workspace_id, events, enabled) on webhook_endpoints to parley_system;
create policy system on webhook_deliveries to parley_system using (true) with check (true);
grant select (id, workspace_id, state, next_attempt_at, created_at) on webhook_deliveries to parley_system;
grant delete on webhook_deliveries to parley_system;
