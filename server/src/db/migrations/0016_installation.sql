-- The installation itself: one row, made with the database. What it keeps outside (keys in Redis) carries this id, so
-- that two installations on one server of somebody else's never meet.

create table installation (
  is_only boolean primary key default true check (is_only),
  id uuid not null default gen_random_uuid(),
  created_at timestamptz not null default now()
);
insert into installation default values;
alter table installation enable row level security;
alter table installation force row level security;
create policy readable on installation for select to parley_app using (true);
grant select (id) on installation to parley_app;

-- A job is a wake-up: what it stands for is here until somebody has done it, or given it up with an error.
alter table outbox add column handled_at timestamptz, add column error text;
create index outbox_unhandled on outbox (relayed_at) where relayed_at is not null and handled_at is null;
grant select (handled_at, error), update (handled_at, error) on outbox to parley_system;
