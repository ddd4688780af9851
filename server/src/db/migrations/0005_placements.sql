-- Where a workspace lives when it does not live here: in a schema of its own, or in a database of its own. A workspace
-- without a row lives in the shared tables. Both tables are read before a workspace is known, by parley_system alone.

create table placements (
  workspace uuid primary key references workspaces,
  -- the one placement that may be written
  kind text not null check (kind in ('shared', 'schema', 'database')),
  -- the schema of its own; set while its kind is 'schema', or while it is moved there or kept there
  schema_name text unique check (schema_name ~ '^ws_[0-9a-f]{32}$'),
  -- where its own database is, sealed
  address text,
  -- a move under way: where to, and how far it is ('copying': is still written where it was; 'frozen': is written
  -- nowhere; 'switched': lives at its new place, and the old one is about to be closed)
  target text check (target in ('shared', 'schema', 'database')),
  step text not null default 'settled' check (step in ('settled', 'copying', 'frozen', 'switched')),
  -- where the rows of before the last move still are, until it is finished
  kept text check (kept in ('shared', 'schema', 'database')),
  changed_at timestamptz not null default now(),
  check ((target is null) = (step in ('settled', 'switched')))
);
grant select on placements to parley_system;

-- The inboxes of workspaces that live elsewhere: a token leads to its workspace before anything else is known.
create table placed_inboxes (
  id uuid primary key,
  workspace uuid not null references workspaces,
  token text not null unique
);
grant select, insert, update on placed_inboxes to parley_system;

-- What a writer hears who believes a workspace to be where it no longer is. Stands in policies that exist only where a
-- workspace was moved away from.
create function refuse_moved() returns boolean
  language plpgsql stable parallel safe set search_path = pg_catalog
  as $$ begin raise exception 'the workspace lives elsewhere, or is being moved' using errcode = 'PY001'; end $$;

-- Keeps the tokens of a placed schema's inboxes in the directory, in the transaction that changes the inbox.
create function note_placed_inbox() returns trigger
  language plpgsql security definer set search_path = pg_catalog
  as $$
  begin
    insert into public.placed_inboxes (id, workspace, token) values (new.id, new.workspace_id, new.token)
      on conflict (id) do update set workspace = excluded.workspace, token = excluded.token;
    return null;
  end $$;
