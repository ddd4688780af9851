-- The spine: people, bots, knowledge, inboxes, and the path of a message.
-- Every tenant table carries workspace_id and has row-level security FORCEd (end of this file; a test holds it).
-- Ids are uuid v7 made by the application, so that they sort by time.

create extension if not exists vector;

-- People -------------------------------------------------------------------------------------------------------------

create table workspaces (
  id uuid primary key,
  name text not null,
  plan text not null default 'free',
  accent text not null default 'indigo',
  settings jsonb not null default '{}',
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);

create table users (
  id uuid primary key,
  email text not null check (email = lower(email)),
  name text not null,
  password_hash text,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);
create unique index users_email on users (email);

create table memberships (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  user_id uuid not null references users,
  role text not null check (role in ('owner', 'admin', 'agent')),
  presence text not null default 'offline' check (presence in ('online', 'idle', 'offline')),
  created_at timestamptz not null default now(),
  removed_at timestamptz
);
create unique index memberships_user on memberships (workspace_id, user_id) where removed_at is null;
create index memberships_by_user on memberships (user_id) where removed_at is null;

create table invitations (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  email text not null,
  role text not null check (role in ('owner', 'admin', 'agent')),
  token_hash text not null unique,
  invited_by uuid references users,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz
);

-- One login of one user. Revoking it ends its refresh tokens and its open sockets.
create table sessions (
  id uuid primary key,
  user_id uuid not null references users,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  revoked_at timestamptz,
  revoked_reason text,
  user_agent text,
  ip text
);
create index sessions_by_user on sessions (user_id) where revoked_at is null;

create table refresh_tokens (
  id uuid primary key,
  session_id uuid not null references sessions,
  workspace_id_hint uuid,
  token_hash text not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index refresh_tokens_by_session on refresh_tokens (session_id);

-- First-owner set-up and password reset: single use, consumed by one conditional update.
create table one_time_tokens (
  id uuid primary key,
  purpose text not null check (purpose in ('setup', 'password_reset')),
  user_id uuid references users,
  token_hash text not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);

-- Files --------------------------------------------------------------------------------------------------------------

create table files (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  mime text not null,
  size integer not null,
  sha256 text not null,
  storage_key text not null,
  -- who may read it besides the workspace's users: the visitor of this conversation
  conversation_id uuid,
  created_by_type text not null check (created_by_type in ('user', 'contact', 'bot')),
  created_by_id uuid,
  created_at timestamptz not null default now()
);

-- Knowledge ----------------------------------------------------------------------------------------------------------

create table knowledge_bases (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  description text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index knowledge_bases_list on knowledge_bases (workspace_id, created_at) where deleted_at is null;

create table sources (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  knowledge_base_id uuid not null references knowledge_bases,
  type text not null check (type in ('document', 'website', 'faq', 'snippet')),
  title text not null,
  url text,
  file_id uuid references files,
  question text,
  content text,
  status text not null default 'pending' check (status in ('pending', 'processing', 'ready', 'failed')),
  progress integer not null default 0 check (progress between 0 and 100),
  error text,
  chunk_count integer not null default 0,
  content_hash text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index sources_list on sources (workspace_id, knowledge_base_id, created_at) where deleted_at is null;
create index sources_unfinished on sources (updated_at) where status in ('pending', 'processing') and deleted_at is null;

create table chunks (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  knowledge_base_id uuid not null references knowledge_bases,
  source_id uuid not null references sources,
  source_type text not null,
  ordinal integer not null,
  title text not null,
  heading_path text not null default '',
  page integer,
  text text not null,
  tokens integer not null,
  content_hash text not null,
  -- dimensions vary by model (house.md: halfvec holds 3072); one partial HNSW index per model
  embedding halfvec,
  embedding_model text,
  tsv tsvector generated always as (
    setweight(to_tsvector('english', title), 'A') ||
    setweight(to_tsvector('english', heading_path), 'B') ||
    setweight(to_tsvector('english', text), 'C') ||
    -- PostgreSQL reads "fastify.setErrorHandler" as one host name. Identifiers are indexed whole and in their parts too,
    -- so that a search for setErrorHandler, or for "error handler", finds the passage that documents it.
    setweight(to_tsvector('english', regexp_replace(heading_path, '[^[:alnum:]_]+', ' ', 'g') || ' ' ||
      regexp_replace(regexp_replace(heading_path, '([[:lower:][:digit:]])([[:upper:]])', '\1 \2', 'g'), '[^[:alnum:]]+', ' ', 'g')), 'B') ||
    setweight(to_tsvector('english', regexp_replace(text, '[^[:alnum:]_]+', ' ', 'g') || ' ' ||
      regexp_replace(regexp_replace(text, '([[:lower:][:digit:]])([[:upper:]])', '\1 \2', 'g'), '[^[:alnum:]]+', ' ', 'g')), 'D')
  ) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index chunks_order on chunks (source_id, ordinal);
create index chunks_by_hash on chunks (workspace_id, embedding_model, content_hash);
create index chunks_scope on chunks (workspace_id, knowledge_base_id, source_type);
create index chunks_text on chunks using gin (tsv);
create index chunks_use_lite_512 on chunks using hnsw ((embedding::halfvec(512)) halfvec_cosine_ops)
  where embedding_model = 'use-lite-512';

-- Bots and inboxes ---------------------------------------------------------------------------------------------------

create table bots (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  model text not null default 'builtin/extractive',
  temperature real not null default 0.2,
  system_prompt text not null default '',
  greeting text not null default '',
  suggested_questions text[] not null default '{}',
  handoff_enabled boolean not null default true,
  handoff_threshold real not null default 0.5,
  type_reply_unknown text not null default 'INPUT_ANSWER' check (type_reply_unknown in ('INPUT_ANSWER', 'AI_GENERATE', 'NO_REPLY')),
  unknown_answer text not null default '',
  languages text[] not null default '{en}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index bots_list on bots (workspace_id, created_at) where deleted_at is null;

create table bot_knowledge_bases (
  workspace_id uuid not null references workspaces,
  bot_id uuid not null references bots,
  knowledge_base_id uuid not null references knowledge_bases,
  primary key (bot_id, knowledge_base_id)
);

create table inboxes (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  channel text not null,
  bot_id uuid references bots,
  token text not null unique,
  credentials text,
  settings jsonb not null default '{}',
  status text not null default 'connected' check (status in ('connected', 'failing', 'disabled')),
  status_detail text,
  last_event_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index inboxes_list on inboxes (workspace_id, created_at) where deleted_at is null;

-- Contacts and conversations -----------------------------------------------------------------------------------------

create table contacts (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  email text,
  phone text,
  language text,
  tier text not null default 'standard',
  attributes jsonb not null default '{}',
  notes text not null default '',
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index contacts_list on contacts (workspace_id, id desc) where deleted_at is null;

-- A contact as one inbox knows it.
create table contact_identities (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  contact_id uuid not null references contacts,
  inbox_id uuid not null references inboxes,
  external_id text not null,
  profile jsonb not null default '{}',
  reachable boolean not null default true,
  created_at timestamptz not null default now()
);
create unique index contact_identities_external on contact_identities (inbox_id, external_id);
create index contact_identities_contact on contact_identities (contact_id);

-- The mailbox of one platform conversation. The lease is the one-writer rule: `lease_token` grows with every holder, and
-- every write of a turn names the token it was given, so that a paused holder's late writes fail.
create table threads (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  inbox_id uuid not null references inboxes,
  thread_key text not null,
  contact_id uuid references contacts,
  lease_token bigint not null default 0,
  lease_holder uuid,
  lease_until timestamptz,
  -- grows with every wake, so that a release which did not see the newest wake fails (no wake is lost)
  wakes bigint not null default 0,
  created_at timestamptz not null default now()
);
create unique index threads_key on threads (inbox_id, thread_key);

-- What the platforms sent, stored before it is acknowledged. `seq` is the order inside a thread.
create table inbound_events (
  id uuid primary key,
  seq bigint generated always as identity,
  workspace_id uuid not null,
  inbox_id uuid not null,
  thread_key text not null,
  platform_id text not null,
  kind text not null,
  payload jsonb not null,
  request_id text,
  attempts integer not null default 0,
  error text,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  dead_at timestamptz
);
create unique index inbound_events_once on inbound_events (inbox_id, platform_id);
create index inbound_events_pending on inbound_events (inbox_id, thread_key, seq) where processed_at is null and dead_at is null;

create table conversations (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  inbox_id uuid not null references inboxes,
  thread_id uuid not null references threads,
  contact_id uuid not null references contacts,
  bot_id uuid references bots,
  status text not null check (status in ('bot', 'waiting', 'agent', 'snoozed', 'resolved')),
  assignee_id uuid references users,
  priority text not null default 'normal' check (priority in ('high', 'normal', 'low')),
  labels text[] not null default '{}',
  last_seq bigint not null default 0,
  -- milliseconds, like the cursors of its list: what orders a page is also what an index can order
  last_message_at timestamptz(3) not null default now(),
  last_message_preview text not null default '',
  last_message_author text not null default 'contact',
  unread_count integer not null default 0,
  first_response_at timestamptz,
  snoozed_until timestamptz,
  -- what it goes back to when it wakes
  status_before_snooze text,
  resolved_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- Two first messages at once make one open conversation.
create unique index conversations_open on conversations (thread_id) where status <> 'resolved';
create index conversations_list on conversations (workspace_id, last_message_at desc, id desc);
create index conversations_by_status on conversations (workspace_id, status, last_message_at desc, id desc);
create index conversations_by_assignee on conversations (workspace_id, assignee_id, last_message_at desc, id desc) where assignee_id is not null;
create index conversations_unresolved on conversations (workspace_id, status, assignee_id) where status <> 'resolved';
create index conversations_by_contact on conversations (contact_id, created_at desc);
create index conversations_snoozed on conversations (snoozed_until) where status = 'snoozed';

-- From here to the deliveries nothing references its workspace, bot or inbox: the policy proves the workspace, the
-- conversation has the others, and the check of a reference would lock the same few rows for every message there is.
create table messages (
  id uuid primary key,
  workspace_id uuid not null,
  conversation_id uuid not null references conversations,
  seq bigint not null,
  author_type text not null check (author_type in ('contact', 'bot', 'agent', 'system')),
  author_id uuid,
  author_name text,
  type text not null default 'text',
  text text not null default '',
  payload jsonb not null default '{}',
  attachments jsonb not null default '[]',
  citations jsonb not null default '[]',
  private boolean not null default false,
  status text not null default 'sent' check (status in ('pending', 'sent', 'delivered', 'read', 'failed')),
  error text,
  turn_id uuid,
  ordinal integer,
  client_id text,
  -- the platform's id of the message (edits, receipts and replies name it)
  platform_id text,
  created_at timestamptz not null default now(),
  edited_at timestamptz,
  deleted_at timestamptz
);
create unique index messages_order on messages (conversation_id, seq);
create unique index messages_turn on messages (turn_id, ordinal) where turn_id is not null;
create unique index messages_client on messages (conversation_id, author_type, client_id) where client_id is not null;
create index messages_platform on messages (conversation_id, platform_id) where platform_id is not null;
create index messages_search on messages using gin (to_tsvector('simple', text));

-- One step of the bot over the pending messages of a conversation.
create table turns (
  id uuid primary key,
  workspace_id uuid not null,
  conversation_id uuid not null references conversations,
  thread_id uuid not null references threads,
  bot_id uuid,
  -- the last inbound event the turn answers: the same events never make two turns
  last_event_seq bigint not null,
  lease_token bigint not null,
  status text not null check (status in ('running', 'answered', 'handed_off', 'silent', 'stopped', 'failed')),
  handler text not null default '',
  attempts integer not null default 1,
  error text,
  request_id text,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index turns_once on turns (thread_id, last_event_seq);
create index turns_running on turns (thread_id) where status = 'running';
create index turns_by_conversation on turns (conversation_id, started_at desc);

-- The flight recorder: how an answer came to be.
create table traces (
  id uuid primary key,
  workspace_id uuid not null,
  bot_id uuid,
  conversation_id uuid references conversations,
  turn_id uuid references turns,
  question text not null,
  record jsonb not null,
  created_at timestamptz not null default now()
);
create index traces_by_bot on traces (workspace_id, bot_id, id desc);

-- What is to be said on the platform, in order inside a thread.
create table deliveries (
  id uuid primary key,
  workspace_id uuid not null,
  inbox_id uuid not null,
  thread_id uuid not null references threads,
  conversation_id uuid not null references conversations,
  message_id uuid not null references messages,
  seq bigint generated always as identity,
  state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  lease_token bigint not null default 0,
  lease_until timestamptz,
  -- parts of a split message that the platform has accepted
  platform_ids text[] not null default '{}',
  error text,
  request_id text,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index deliveries_message on deliveries (message_id);
create index deliveries_lane on deliveries (thread_id, seq) where state in ('pending', 'sending');
create index deliveries_due on deliveries (next_attempt_at) where state in ('pending', 'sending');
-- receipts name a platform's id: the few deliveries of its thread are looked through
create index deliveries_by_thread on deliveries (thread_id);

-- Handoffs -----------------------------------------------------------------------------------------------------------

create table handoffs (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  conversation_id uuid not null references conversations,
  reason text not null,
  reason_detail text,
  priority text not null default 'normal' check (priority in ('high', 'normal', 'low')),
  priority_rank smallint not null default 1,
  -- what the agent needs at a glance: the question, what the bot tried
  question text,
  attempt text,
  status text not null default 'waiting' check (status in ('waiting', 'picked_up', 'cancelled', 'closed')),
  waiting_since timestamptz not null default now(),
  picked_up_by uuid references users,
  picked_up_at timestamptz,
  ended_at timestamptz
);
create unique index handoffs_waiting on handoffs (conversation_id) where status = 'waiting';
create index handoffs_queue on handoffs (workspace_id, priority_rank, waiting_since, id) where status = 'waiting';
create index handoffs_picked on handoffs (workspace_id, picked_up_at desc) where picked_up_at is not null;

-- Facts --------------------------------------------------------------------------------------------------------------

-- Past tense, noun first; written in the transaction that made them true, relayed afterwards with this id as the job id.
create table outbox (
  id uuid primary key,
  seq bigint generated always as identity,
  workspace_id uuid not null,
  type text not null,
  subject_id uuid not null,
  payload jsonb not null default '{}',
  request_id text,
  created_at timestamptz not null default now(),
  relayed_at timestamptz
);
create index outbox_waiting on outbox (seq) where relayed_at is null;
create index outbox_relayed on outbox (relayed_at) where relayed_at is not null;

-- Row-level security -------------------------------------------------------------------------------------------------

do $$
declare t text;
begin
  for t in
    select c.table_name from information_schema.columns c
    join information_schema.tables i using (table_schema, table_name)
    where c.table_schema = 'public' and c.column_name = 'workspace_id' and i.table_type = 'BASE TABLE'
  loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
      'create policy tenant on %I to parley_app using (workspace_id = nullif(current_setting(''app.workspace_id'', true), '''')::uuid)
       with check (workspace_id = nullif(current_setting(''app.workspace_id'', true), '''')::uuid)', t);
    execute format('grant select, insert, update, delete on %I to parley_app', t);
  end loop;
end $$;

alter table workspaces enable row level security;
alter table workspaces force row level security;
create policy tenant on workspaces to parley_app using (id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, update on workspaces to parley_app;

-- People of the workspace may be read inside it; logins and passwords only by parley_system.
alter table users enable row level security;
alter table users force row level security;
create policy colleagues on users for select to parley_app using (
  exists (select 1 from memberships m where m.user_id = users.id
          and m.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid));
grant select (id, email, name, created_at, disabled_at) on users to parley_app;

-- parley_system: what happens before a workspace is known (login, invitation, webhook token) and what looks across
-- workspaces for forgotten work (sweeper, relay). It sees no message, no contact, no knowledge.
do $$
declare t text;
begin
  foreach t in array array['workspaces', 'users', 'memberships', 'invitations', 'outbox', 'threads', 'inbound_events',
                           'deliveries', 'inboxes', 'sources', 'conversations'] loop
    execute format('create policy system on %I to parley_system using (true) with check (true)', t);
  end loop;
end $$;
grant select, insert, update on workspaces, users, memberships, invitations to parley_system;
grant select, insert, update, delete on sessions, refresh_tokens, one_time_tokens to parley_system;
grant select (id, seq, workspace_id, type, subject_id, payload, request_id, created_at, relayed_at), update (relayed_at) on outbox to parley_system;
grant delete on outbox to parley_system;
grant select (id, workspace_id, inbox_id, thread_key, lease_token, lease_until) on threads to parley_system;
grant select (id, seq, workspace_id, inbox_id, thread_key, received_at, processed_at, dead_at) on inbound_events to parley_system;
grant select (id, workspace_id, thread_id, seq, state, next_attempt_at, lease_until) on deliveries to parley_system;
grant select (id, workspace_id, token, channel, bot_id, name, credentials, settings, status, deleted_at) on inboxes to parley_system;
grant select (id, workspace_id, status, updated_at, deleted_at) on sources to parley_system;
grant select (id, workspace_id, status, snoozed_until) on conversations to parley_system;

-- Words in messages ----------------------------------------------------------------------------------------------------

-- Row-level security keeps an operator that is not leakproof, and text search is none, from using an index before the
-- policy has looked at every row: a search would read all messages there are. So the search is a function of the tables'
-- owner, who has no such policy, and names the workspace itself. Without one it finds nothing.
create policy search on messages for select to current_user using (true);
create function conversations_with(words tsquery) returns setof uuid
  language sql stable parallel safe security definer set search_path = pg_catalog, public
  as $$
    select m.conversation_id from messages m
    where m.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid
      and to_tsvector('simple', m.text) @@ words
  $$;
revoke all on function conversations_with from public;
grant execute on function conversations_with to parley_app;
