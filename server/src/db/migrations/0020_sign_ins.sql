-- Who tried to sign in to an account, for its owner to see. Logins belong to people, not to workspaces.

create table sign_ins (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null default now(),
  -- shortened: enough to tell one's own from another's
  address text not null,
  device text not null,
  known_device boolean not null,
  outcome text not null check (outcome in ('signed_in', 'wrong_password', 'refused', 'link_sent'))
);
create index sign_ins_latest on sign_ins (user_id, id desc);
alter table sign_ins enable row level security;
alter table sign_ins force row level security;
create policy system on sign_ins to parley_system using (true) with check (true);
grant select, insert, delete on sign_ins to parley_system;

-- A link that was mailed proves that whoever opens it reads the mail of the account.
alter table one_time_tokens drop constraint one_time_tokens_purpose_check;
alter table one_time_tokens add constraint one_time_tokens_purpose_check
  check (purpose in ('setup', 'password_reset', 'sign_in'));
