-- Mail of Parley itself: links to prove an address, to set a new password, invitations, notices. A mail is stored in the transaction
-- of what caused it and sent afterwards. It belongs to people and to the installation, not to a workspace.

create table mails (
  id uuid primary key,
  template text not null,
  language text not null,
  recipient text not null check (recipient = lower(recipient) and recipient !~ '[[:space:][:cntrl:]<>,;]'),
  -- what the template is filled with, its link too: sealed, and gone once the mail has left
  content text,
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'printed', 'failed')),
  tries integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- while somebody sends it, and who
  lease_until timestamptz,
  lease_token uuid,
  error text,
  -- the words of the mail server
  detail text,
  created_at timestamptz not null default now(),
  -- nobody wants it any more: its link is over
  expires_at timestamptz not null,
  finished_at timestamptz
);
create index mails_due on mails (next_attempt_at) where state = 'waiting';
create index mails_old on mails (created_at);
alter table mails enable row level security;
alter table mails force row level security;
create policy system on mails to parley_system using (true) with check (true);
grant select, insert, update, delete on mails to parley_system;
-- Invitations are made inside a workspace, which sees no mail, not even its own.
create policy invite on mails for insert to parley_app
  with check (template = 'invitation' and nullif(current_setting('app.workspace_id', true), '') is not null);
grant insert on mails to parley_app;

-- An address is proven once somebody opened a link that was mailed to it, and not before. The language is that of their last sign-in.
alter table users add column email_verified_at timestamptz;
alter table users add column language text;

-- A link that is copied by whoever invites proves nothing; the one in the mail has a token of its own.
alter table invitations add column mailed_token_hash text;
create unique index invitations_by_mailed_token on invitations (mailed_token_hash) where mailed_token_hash is not null;

-- `email`: the address that a token for it proves. `mailed`: it went to a mailbox; one that was printed in the log proves nothing.
alter table one_time_tokens add column email text;
alter table one_time_tokens add column mailed boolean not null default false;
create index one_time_tokens_by_user on one_time_tokens (user_id) where used_at is null;
alter table one_time_tokens drop constraint one_time_tokens_purpose_check;
alter table one_time_tokens add constraint one_time_tokens_purpose_check
  check (purpose in ('setup', 'password_reset', 'sign_in', 'address'));
