-- What the second channel contract keeps: when the customer last wrote (windows, replies), which inbox an event at an app's
-- shared address is for, who listens for an inbox and where it stopped, and the platform's templates.
-- placement: everywhere

alter table conversations
  -- the platform's time and id of the customer's last message
  add column if not exists last_inbound_at timestamptz,
  add column if not exists last_inbound_id text;

alter table inboxes
  -- how the platform names the account behind the credentials
  add column if not exists external_id text,
  add column if not exists templates jsonb not null default '[]',
  add column if not exists templates_synced_at timestamptz,
  -- while a process renews the credentials
  add column if not exists refreshing_until timestamptz,
  -- of the one process that listens, for channels whose events are fetched
  add column if not exists listener_token bigint not null default 0,
  add column if not exists listener_until timestamptz,
  add column if not exists listener_cursor jsonb;
alter table inboxes drop constraint if exists inboxes_status_check;
alter table inboxes add constraint inboxes_status_check check (status in ('connected', 'failing', 'disconnected', 'disabled'));
create index if not exists inboxes_by_external_id on inboxes (channel, external_id) where external_id is not null and deleted_at is null;
grant select (external_id, listener_until) on inboxes to parley_system;

-- A person's other ids lead to the same thread.
create index if not exists threads_by_contact on threads (inbox_id, contact_id);
