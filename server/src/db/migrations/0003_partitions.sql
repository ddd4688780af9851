-- What grows without end is kept by month: messages, inbound events and traces (docs/decisions/0022-partitions-by-month.md).
-- The id is the partition key: it is a uuid v7, so its first 48 bits are the milliseconds of its making, a range of ids is
-- a range of time, and the primary key stays the id alone. Nothing here names a schema: a placement with a schema of its
-- own runs the same file with its own search_path.

-- Partitions -----------------------------------------------------------------------------------------------------------

-- Makes the partitions of this month and the `ahead` months after it, for every table of `place` that is partitioned by
-- range; returns the names of those made now. Safe to call at any time, from several processes at once, and again: a lock
-- of the transaction lets one work at a time. Called by the owner of the tables, at the start of every process and
-- several times a day (platform/db/partitions.ts), and by this file.
--
-- A workspace in a schema of its own: after its migrations ran there, `select make_partitions('its_schema')` does for that
-- schema what `select make_partitions()` does for the current one, also when called from another schema's copy of the
-- function. A workspace in a database of its own: the same as here, in that database. Rows that are copied into another
-- place may be inserted into the parent at once: what is older than its partitions lands in the default partition, and
-- the next call makes its months and moves it there.
--
-- `<table>_default` is the template (its indexes, also those that are unique inside one month only, are copied) and the
-- safety net: a row whose month has no partition is stored there instead of being refused. Its rows are moved to a
-- partition of their own at the next call, as long as their id tells a month from 2020 to a year from now; what stays is
-- counted by the metric parley_partition_default_rows.
create function make_partitions(place name default current_schema(), ahead int default 2,
    today date default (now() at time zone 'UTC')::date)
  returns setof text language plpgsql as $$
  declare
    parent name;
    part name;
    month date;
    low uuid;
    high uuid;
  begin
    perform pg_advisory_xact_lock(1886547065, hashtext('partitions of ' || place));
    for parent in
      select c.relname from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
      where c.relnamespace = to_regnamespace(quote_ident(place)) and p.partstrat = 'r' order by 1
    loop
      for month in execute format(
        $query$
          select m::date from generate_series(date_trunc('month', $1::timestamp),
            date_trunc('month', $1::timestamp) + make_interval(months => $2), interval '1 month') m
          union
          select date_trunc('month', at)::date from (
            select to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) at time zone 'UTC' as at
            from %I.%I where substr(id::text, 15, 1) = '7' and id < 'f0000000-0000-0000-0000-000000000000') d
          where at >= '2020-01-01' and at < $1::timestamp + interval '1 year'
          order by 1
        $query$, place, parent || '_default') using today, ahead
      loop
        part := parent || to_char(month, '_YYYY_MM');
        continue when to_regclass(format('%I.%I', place, part)) is not null;
        low := (lpad(to_hex((extract(epoch from month::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        high := (lpad(to_hex((extract(epoch from month::timestamp + interval '1 month') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        -- Made beside and attached: that lets reads and writes of the parent go on, which "create … partition of" does not.
        execute format('create table %1$I.%2$I (like %1$I.%3$I including all)', place, part, parent || '_default');
        -- Nobody but the owner has a way to a partition, except through its parent and the parent's policies.
        execute format('alter table %I.%I enable row level security', place, part);
        execute format(
          'with moved as (delete from %1$I.%2$I where id >= $1 and id < $2 returning *) insert into %1$I.%3$I select * from moved',
          place, parent || '_default', part) using low, high;
        execute format('alter table %1$I.%2$I attach partition %1$I.%3$I for values from (%4$L) to (%5$L)',
          place, parent, part, low, high);
        return next part;
      end loop;
    end loop;
  end $$;

-- Takes the partitions of `parent` out of use that ended `keep` whole months ago or earlier, and returns their names. A
-- retired partition is a table of its own that nobody but the owner may read; it can be attached again until
-- drop_retired() drops it. A month of inbound events in which something still waits is left alone.
create function retire_partitions(parent name, keep int, place name default current_schema(),
    today date default (now() at time zone 'UTC')::date)
  returns setof text language plpgsql as $$
  declare
    part name;
    waits boolean;
  begin
    if keep < 1 then raise exception 'keep takes whole months, 1 or more'; end if;
    perform pg_advisory_xact_lock(1886547065, hashtext('partitions of ' || place));
    for part in
      select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = to_regclass(format('%I.%I', place, parent)) and c.relname ~ '_\d{4}_\d{2}$'
        and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= date_trunc('month', today::timestamp) - make_interval(months => keep)
      order by 1
    loop
      if parent = 'inbound_events' then
        execute format('select exists (select 1 from %I.%I where processed_at is null and dead_at is null)', place, part) into waits;
        continue when waits;
      end if;
      -- Not CONCURRENTLY, which a default partition rules out: the lock is for the catalogue alone, and the caller sets
      -- lock_timeout, so that nobody queues behind it for long.
      execute format('alter table %1$I.%2$I detach partition %1$I.%3$I', place, parent, part);
      execute format('comment on table %I.%I is %L', place, part, 'retired ' || now());
      return next part;
    end loop;
  end $$;

-- Drops what was retired longer than `grace` ago; returns the names.
create function drop_retired(grace interval, place name default current_schema())
  returns setof text language plpgsql as $$
  declare part name;
  begin
    perform pg_advisory_xact_lock(1886547065, hashtext('partitions of ' || place));
    for part in
      select c.relname from pg_class c
      where c.relnamespace = to_regnamespace(quote_ident(place)) and c.relkind = 'r' and not c.relispartition
        and c.relname ~ '_\d{4}_\d{2}$' and obj_description(c.oid, 'pg_class') ~ '^retired \d'
        and substr(obj_description(c.oid, 'pg_class'), 9)::timestamptz < now() - grace
      order by 1
    loop
      execute format('drop table %I.%I', place, part);
      return next part;
    end loop;
  end $$;

revoke all on function make_partitions, retire_partitions, drop_retired from public;

-- Platform ids ---------------------------------------------------------------------------------------------------------

-- What a platform sends twice is taken once. A unique index on inbound_events would have to contain its partition key, so
-- the ids have a table of their own, written in the statement that stores the event. A row is forgotten after twice the
-- longest time any platform tries again (turn/trim.ts).
create table inbound_ids (
  workspace_id uuid not null,
  inbox_id uuid not null,
  platform_id text not null,
  event_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (inbox_id, platform_id)
);
-- Rows lie in the order of their arrival, so the oldest are found by a few pages' worth of index.
create index inbound_ids_age on inbound_ids using brin (received_at);

-- The tables -----------------------------------------------------------------------------------------------------------

-- The lower bound of a conversation's messages: no message of it has a smaller id. Written by whoever appends
-- (features/messages/commands.ts), and named by every query, so that only the months a conversation lived in are read.
alter table conversations add column messages_from uuid;

-- Neither references another table: taking a partition out would lock both. What they would promise, the writing
-- statement does: it takes the conversation from the row it has just locked.
alter table deliveries drop constraint deliveries_message_id_fkey;

create table messages_new (like messages including defaults including constraints) partition by range (id);
create table traces_new (like traces including defaults including constraints) partition by range (id);
create table inbound_events_new (like inbound_events including defaults including constraints) partition by range (id);
create sequence inbound_events_seq;
alter table inbound_events_new alter column seq set default nextval('inbound_events_seq');
alter sequence inbound_events_seq owned by inbound_events_new.seq;

do $$
declare t text;
begin
  foreach t in array array['messages', 'traces', 'inbound_events'] loop
    execute format('create table %1$I partition of %2$I default', t || '_default', t || '_new');
    execute format('alter table %I no force row level security', t);
    execute format('insert into %I select * from %I', t || '_new', t);
  end loop;
end $$;
select setval('inbound_events_seq', coalesce((select max(seq) from inbound_events), 0) + 1, false);
insert into inbound_ids (workspace_id, inbox_id, platform_id, event_id, received_at)
  select workspace_id, inbox_id, platform_id, id, received_at from inbound_events order by seq;
alter table conversations no force row level security;
update conversations c set messages_from = (select m.id from messages m where m.conversation_id = c.id order by m.id limit 1);
alter table conversations force row level security;

do $$
declare t text;
begin
  foreach t in array array['messages', 'traces', 'inbound_events'] loop
    execute format('drop table %I', t);
    execute format('alter table %I rename to %I', t || '_new', t);
    execute format('alter table %1$I add constraint %2$I primary key (id)', t, t || '_pkey');
  end loop;
end $$;

create index messages_platform on messages (conversation_id, platform_id) where platform_id is not null;
-- The workspace is a word of the document: "this workspace and this word" is one look into the index, which skips what other
-- workspaces say (decision 23).
create index messages_search on messages using gin ((to_tsvector('simple', text) || array_to_tsvector(array[workspace_id::text])));
-- Unique inside a month, and copied into every month from here; that nothing is unique in one month and repeated in the
-- next is the append statement's to see to (decision 22).
create unique index messages_default_order on messages_default (conversation_id, seq);
create unique index messages_default_turn on messages_default (turn_id, ordinal) where turn_id is not null;
create unique index messages_default_client on messages_default (conversation_id, author_type, client_id) where client_id is not null;

create index traces_by_bot on traces (workspace_id, bot_id, id desc);
create index inbound_events_pending on inbound_events (inbox_id, thread_key, seq) where processed_at is null and dead_at is null;

-- Row-level security ---------------------------------------------------------------------------------------------------

do $$
declare t text;
begin
  foreach t in array array['messages', 'traces', 'inbound_events', 'inbound_ids'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
      'create policy tenant on %I to parley_app using (workspace_id = nullif(current_setting(''app.workspace_id'', true), '''')::uuid)
       with check (workspace_id = nullif(current_setting(''app.workspace_id'', true), '''')::uuid)', t);
    execute format('grant select, insert, update, delete on %I to parley_app', t);
  end loop;
  -- No grant and no policy: a default partition is reached through its parent. Not forced: the owner moves its rows.
  foreach t in array array['messages_default', 'traces_default', 'inbound_events_default'] loop
    execute format('alter table %I enable row level security', t);
  end loop;
end $$;
grant usage on sequence inbound_events_seq to parley_app;

create policy system on inbound_events to parley_system using (true) with check (true);
grant select (id, seq, workspace_id, inbox_id, thread_key, received_at, processed_at, dead_at) on inbound_events to parley_system;
-- The sweeper forgets old platform ids without reading one.
create policy system on inbound_ids to parley_system using (true);
grant select (ctid, received_at), delete on inbound_ids to parley_system;

-- The search of words reads the new table; it is made again for its schema's name. Temporary tables, which callers can make,
-- come last.
create policy search on messages for select to current_user using (true);
create or replace function conversations_with(words tsquery) returns setof uuid
  language sql stable parallel safe security definer
  as $$
    select m.conversation_id from messages m
    where (to_tsvector('simple', m.text) || array_to_tsvector(array[m.workspace_id::text]))
        @@ (quote_literal(nullif(current_setting('app.workspace_id', true), ''))::tsquery && words)
      and numnode(words) > 0 and m.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid
  $$;
do $$
begin
  execute format('alter function conversations_with(tsquery) set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;

select make_partitions();
