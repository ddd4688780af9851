-- Keys of programs. The key itself is shown once; what is kept is its hash and how it begins.
create table api_keys (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  prefix text not null,
  token_hash text not null unique,
  scopes text[] not null,
  -- a key acts in the name of whoever made it, and ends with their membership
  created_by uuid not null references users,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_list on api_keys (workspace_id, created_at) where revoked_at is null;

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy tenant on api_keys to parley_app using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid)
  with check (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on api_keys to parley_app;

-- Whose key a request carries is found before its workspace is known.
create policy system on api_keys to parley_system using (true) with check (true);
grant select (id, workspace_id, token_hash, scopes, created_by, last_used_at, revoked_at), update (last_used_at) on api_keys to parley_system;
