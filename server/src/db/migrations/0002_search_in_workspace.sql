-- Search inside one workspace.
--
-- Under row-level security the planner may not use an index for an operator that is not leakproof before the policy has
-- seen the row, and neither text search nor any distance of pgvector is. Every search for a word read all chunks of the
-- workspace. So both legs of retrieval are functions of the tables' owner, who has a policy that lets it see every row, and
-- each names the workspace itself: whatever their arguments are, they find what `app.workspace_id` owns and nothing when it
-- is not set. They answer with ids; the rows behind them are read by the caller, under its own policy.
--
-- Everything in here is created in the schema that comes first in the search path, and each function is tied to that schema
-- (end of this file). A schema of its own for one workspace gets its own policy, indexes and functions by running the file
-- with `search_path` set to it; the functions of one schema never read the tables of another.

create policy search on chunks for select to current_user using (true);

-- A vector that is kept outside of its row costs an exact scan a second read for every row: text goes out first.
alter table chunks alter column embedding set storage main;

-- The knowledge base is a word of the document. "These bases and this word" is one look into one index, which skips along
-- the shorter list, however many other workspaces use the word, too.
drop index chunks_text;
create index chunks_words on chunks using gin ((tsv || array_to_tsvector(array[knowledge_base_id::text])));

-- The chunks nearest to a question, `wanted` of each type.
--
-- A graph over all workspaces finds its neighbours among the rows of everybody and throws away the foreign ones, at about
-- seven times the cost of a row of an exact scan. With N rows in the table and n of them in question it looks at some
-- wanted * N / n rows, so that below about 8 * sqrt(N) an exact scan is faster, and it misses nothing. That many are counted,
-- in an index alone, and then the way is chosen here: the planner's own guess is off, and there may be no statistics.
--
-- Above that the graph is asked, and goes on until enough rows of this workspace were found (hnsw.iterative_scan). In
-- strict order it would drop what it comes upon late, although that is nearer than what it gave before: where a question is
-- nearer to what others know, it then missed more than half of the nearest eight. So the order is relaxed, four times as
-- many are taken, and the nearest of them kept. If so many rows were not found among the first `few`, it gives up, and the
-- exact scan answers.
--
-- `exact_up_to` replaces that number, for those who measure.
create function chunks_nearest(
  bases uuid[], types text[], model text, question halfvec, wanted integer, exact_up_to integer default null)
  returns table (chunk_id uuid)
  language plpgsql stable security definer
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_sort = off
  set hnsw.iterative_scan = relaxed_order
  set hnsw.ef_search = 200
  set hnsw.max_scan_tuples = 20000
  set hnsw.scan_mem_multiplier = 4
as $$
declare
  workspace constant uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
  few integer;
  kind text;
  counted integer;
  near uuid[];
begin
  if workspace is null or cardinality(bases) = 0 then return; end if;
  select coalesce(exact_up_to, greatest(5000, 8 * sqrt(greatest(t.reltuples, 0)))::integer) into few
    from pg_class t where t.oid = 'chunks'::regclass;
  perform set_config('hnsw.max_scan_tuples', greatest(few, 5000)::text, true);
  foreach kind in array types loop
    select count(*) into counted from (
      select from chunks c
      where c.workspace_id = workspace and c.knowledge_base_id = any(bases) and c.source_type = kind limit few + 1) rows;
    continue when counted = 0;
    near := null;
    if counted > few then
      -- The index is one of this model alone and of its dimensions, so both have to stand in the text.
      execute format(
        'select case when count(*) = $5 * 4 then (array_agg(g.id order by g.distance))[:$5] end from (
           select c.id, c.embedding <=> $4 as distance from chunks c
           where c.embedding_model = %L and c.workspace_id = $1 and c.knowledge_base_id = any($2) and c.source_type = $3
           order by c.embedding::halfvec(%s) <=> $4 limit $5 * 4) g', model, vector_dims(question))
        into near using workspace, bases, kind, question, wanted;
    end if;
    if near is null then
      near := array(
        select c.id from chunks c
        where c.workspace_id = workspace and c.knowledge_base_id = any(bases) and c.source_type = kind
          and c.embedding_model = model and c.embedding is not null
        order by c.embedding <=> question limit wanted);
    end if;
    return query select unnest(near);
  end loop;
end $$;

-- The chunks that have what each query asks for (`query` counts from 1), at most `most` for each.
create function chunks_with(bases uuid[], queries text[], most integer)
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
    words := websearch_to_tsquery('english', queries[place]);
    continue when numnode(words) = 0;
    -- These comparisons of workspace and base are the truth; they are written so that no other index offers itself.
    return query
      select place, c.id, c.source_type from chunks c
      where (c.tsv || array_to_tsvector(array[c.knowledge_base_id::text])) @@ (inside && words)
        and c.workspace_id is not distinct from workspace and array_position(bases, c.knowledge_base_id) is not null
      limit most;
  end loop;
end $$;

revoke all on function chunks_nearest, chunks_with from public;
grant execute on function chunks_nearest, chunks_with to parley_app;

-- Names mean this schema, then the one with the vector types; temporary tables, which callers can make, come last.
do $$
declare
  named regprocedure;
begin
  foreach named in array array['chunks_nearest(uuid[],text[],text,halfvec,integer,integer)', 'chunks_with(uuid[],text[],integer)']::regprocedure[] loop
    execute format('alter function %s set search_path = pg_catalog, %I, public, pg_temp', named, current_schema());
  end loop;
end $$;

-- Who was ever a colleague, which the policy of `users` asks for with every name it shows; the index of present members
-- does not serve it.
create index memberships_people on memberships (workspace_id, user_id);
