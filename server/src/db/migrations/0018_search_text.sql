-- What a stranger wrote meets the text-search parser only without its separators.
--
-- The parser tries to read a path, a host, a tag or a number at every separator, and where they stand close together it
-- looks through all that follows each time: 40,000 characters of `_a` take 18 seconds, 99,000 two minutes. Without
-- separators nothing but words and numbers is left, which it reads in one pass. A search passes the same way, so that an
-- address, `foo_bar`, AB-1234 and v2.3.1 are found as they are written, and by their parts (decision 28).

-- Both are bound to what they call when they are made: no search path changes what an index stands on.
create function search_text(words text) returns text
  language sql immutable strict parallel safe
  return regexp_replace(left(words, 100000), '[]!"#$%&''()*+,./:;<=>?@[\\^_`{|}~-]+', ' ', 'g');

-- What somebody types into a search: words, "phrases", `or`, and `-` for what must not be there. What stands in one piece
-- is a phrase of its parts.
create function search_query(config regconfig, words text) returns tsquery
  language sql immutable strict parallel safe
  return (
    select websearch_to_tsquery(config, coalesce(string_agg(
      case when lower(piece) = 'or' then 'or' else case when piece like '-%' then '-' else '' end || '"' || read || '"' end,
      ' ' order by place), ''))
    from (
      select place, matched[1] as piece, btrim(search_text(matched[1])) as read
      from regexp_matches(left(words, 2000), '-?"[^"]*"?|[^\s"]+', 'g') with ordinality as found(matched, place)) pieces
    where read <> '');

-- Words of a passage: its title, its headings, its text, and at last the parts of identifiers such as setErrorHandler.
create function chunk_words(title text, heading_path text, words text) returns tsvector
  language sql immutable parallel safe
  return
    setweight(to_tsvector('english'::regconfig, search_text(title)), 'A') ||
    setweight(to_tsvector('english'::regconfig, search_text(heading_path)), 'B') ||
    setweight(to_tsvector('english'::regconfig, search_text(words)), 'C') ||
    setweight(to_tsvector('english'::regconfig,
      search_text(regexp_replace(left(heading_path, 100000), '([[:lower:][:digit:]])([[:upper:]])', '\1 \2', 'g'))), 'B') ||
    setweight(to_tsvector('english'::regconfig,
      search_text(regexp_replace(left(words, 100000), '([[:lower:][:digit:]])([[:upper:]])', '\1 \2', 'g'))), 'D');

create function index_chunk() returns trigger language plpgsql as $$
begin
  new.tsv := public.chunk_words(new.title, new.heading_path, new.text);
  return new;
end $$;

grant execute on function search_text, search_query, chunk_words to parley_app;

-- placement: everywhere

-- A column that is generated could only be changed by writing the whole table and its graphs again. What is in it stays:
-- the parts of words were among them before, and they are what a search asks for.
alter table chunks alter column tsv drop expression;
-- A row that is copied brings its words.
create trigger index_new_chunk before insert on chunks for each row when (new.tsv is null)
  execute function public.index_chunk();
create trigger index_changed_chunk before update on chunks for each row
  when ((old.title, old.heading_path, old.text) is distinct from (new.title, new.heading_path, new.text))
  execute function public.index_chunk();

drop index messages_search;
create index messages_search on messages using gin
  ((to_tsvector('simple', search_text(text)) || array_to_tsvector(array[workspace_id::text])));

create or replace function conversations_with(words tsquery) returns setof uuid
  language sql stable parallel safe security definer
  as $$
    select m.conversation_id from messages m
    where (to_tsvector('simple', search_text(m.text)) || array_to_tsvector(array[m.workspace_id::text]))
        @@ (quote_literal(nullif(current_setting('app.workspace_id', true), ''))::tsquery && words)
      and numnode(words) > 0 and m.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid
  $$;

create or replace function chunks_with(bases uuid[], queries text[], most integer)
  returns table (query integer, chunk_id uuid, source_type text)
  language plpgsql stable security definer
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
as $$
declare
  workspace constant uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
  inside tsquery;
  words tsquery;
begin
  if workspace is null or cardinality(bases) = 0 then return; end if;
  select string_agg(quote_literal(base), ' | ')::tsquery into inside from unnest(bases) base;
  for place in 1 .. coalesce(cardinality(queries), 0) loop
    words := search_query('english', queries[place]);
    continue when numnode(words) = 0;
    -- These comparisons of workspace and base are the truth; they are written so that no other index offers itself.
    return query
      select place, c.id, c.source_type from chunks c
      where (c.tsv || array_to_tsvector(array[c.knowledge_base_id::text])) @@ (inside && words)
        and c.workspace_id is not distinct from workspace and array_position(bases, c.knowledge_base_id) is not null
      limit most;
  end loop;
end $$;

do $$
declare
  named regprocedure;
begin
  foreach named in array array['conversations_with(tsquery)', 'chunks_with(uuid[],text[],integer)']::regprocedure[] loop
    execute format('alter function %s set search_path = pg_catalog, %I, public, pg_temp', named, current_schema());
  end loop;
end $$;
