import { sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { toVectorText, type Embedder } from '../knowledge/embed.ts';
import { sourceTypes, type SourceType } from '../knowledge/types.ts';
import { createFairQueue } from '../platform/limits/fair-queue.ts';
import type { Store } from '../platform/data/tenant.ts';
import { rank, type Candidate } from './ranking.ts';
import { synonymsOf } from './synonyms.ts';

// Foreign tables: chunks, sources. The search is one statement.

/** A passage an answer may stand on, with what the flight recorder wants to know of its way here. */
export type Passage = {
  chunkId: string;
  sourceId: string;
  sourceType: SourceType;
  title: string;
  /** outermost first */
  headingPath: string[];
  page: number | null;
  text: string;
  tokens: number;
  url: string | null;
  updatedAt: Date;
  /** after merging and boosts; only for comparing passages of one retrieval */
  score: number;
  /** cosine of question and passage, −1…1 */
  vectorScore: number;
  /** 0…1: weighted share of the terms the passage has, rare terms weighing more */
  textScore: number;
  /** which terms (by place in `terms`) the passage has */
  matched: number[];
};

/** The scores of a passage as people read them, each a share from 0 to 1: boosts lift above that, a cosine falls below. */
export const sharesOf = (passage: Pick<Passage, 'score' | 'vectorScore' | 'textScore'>) => ({
  score: share(passage.score),
  vectorScore: share(passage.vectorScore),
  textScore: share(passage.textScore),
});
const share = (score: number): number => Math.min(1, Math.max(0, score));

/** `place` is the term's place in the request's `terms`; `documents` counts the chunks that have it (to 5,000). */
export type WeighedTerm = { place: number; term: string; weight: number; documents: number };

export type Retrieval = {
  passages: Passage[];
  /** the terms the text leg looked for; `weight` is their rarity in these knowledge bases (idf) */
  terms: WeighedTerm[];
  /** chunks searched (counted to 20,000) */
  searched: number;
  milliseconds: { embedding: number; search: number };
};

export type RetrievalRequest = {
  workspaceId: string;
  knowledgeBaseIds: string[];
  /** what is embedded */
  text: string;
  /** what the text leg looks for; see searchTerms */
  terms: string[];
  /** passages at most (default 8) */
  limit?: number;
  /** tokens at most, over all passages (default 2600: a 4000-token prompt less its other parts) */
  tokenBudget?: number;
  signal?: AbortSignal | undefined;
};

/** Candidates of each type from each leg. More than are kept: what one leg ranks sixth the other may rank first. */
const perType = 8;
/** Chunks counted, in all and for one term; a term in more of them than that is common whatever their number. */
const counted = { chunks: 20_000, documents: 5_000 };
/** Chunks of each type whose words are weighed for good, having the rarest terms: reading the words is what costs. */
const weighed = 400;

const row = z.object({
  id: z.string().nullable(),
  source_id: z.string().nullable(),
  source_type: z.enum(sourceTypes).nullable(),
  title: z.string().nullable(),
  heading_path: z.string().nullable(),
  page: z.number().nullable(),
  text: z.string().nullable(),
  tokens: z.number().nullable(),
  url: z.string().nullable(),
  updated_at: z.coerce.date().nullable(),
  similarity: z.coerce.number().nullable(),
  matches: z.array(z.object({ ord: z.number(), rank: z.number() })).nullable(),
  legs: z.array(z.string()).nullable(),
  terms: z.array(z.object({ ord: z.number(), term: z.string(), documents: z.number() })).nullable(),
  searched: z.coerce.number(),
});

/**
 * Both legs for all four types in one statement, and so in one round trip. The functions look in the workspace that is
 * set, through indexes row-level security would keep closed (0002_search_in_workspace.sql); the rows are read under it.
 *
 * The text leg relaxes to OR: every term is a query of its own, a passage scores by the rarity of the terms it has.
 * A term found in more than `common` chunks only adds to other scores.
 */
const searching = (model: string, vector: string, bases: string[], terms: string[]): SQL => {
  const inBases = sql`${sql.param(bases)}::uuid[]`;
  const types = sql`${sql.param([...sourceTypes])}::text[]`;
  const question = sql`${vector}::halfvec`;
  return sql`
with size as materialized (
  select count(*)::int as n from (
    select 1 from chunks ch where ch.knowledge_base_id = any(${inBases}) limit ${counted.chunks}) counted
), hits as materialized (
  select * from chunks_with(${inBases}, ${sql.param(terms)}::text[], ${counted.documents})
), terms as materialized (
  select u.ord::int as ord, u.term, q.query, d.documents, ln(1 + (greatest(size.n, d.documents) - d.documents + 0.5) / (d.documents + 0.5)) as weight
  from unnest(${sql.param(terms)}::text[]) with ordinality as u(term, ord)
  cross join lateral (select search_query('english', u.term) as query) q
  cross join size cross join lateral (select count(*)::int as documents from hits where hits.query = u.ord) d
  where numnode(q.query) > 0
), seeking as materialized (
  select * from terms where documents > 0 and documents <= greatest(50, (select n from size) / 4)
), promising as materialized (
  select chunk_id, source_type from (
    select h.chunk_id, h.source_type,
      row_number() over (partition by h.source_type order by sum(s.weight) desc, h.chunk_id) as place
    from hits h join seeking s on s.ord = h.query group by h.chunk_id, h.source_type) placed
  where place <= ${weighed}
), found as (
  select chunk_id as id, 'vector' as leg from chunks_nearest(${inBases}, ${types}, ${model}, ${question}, ${perType})
  union all
  select chunk_id, 'text' from (
    select p.chunk_id, row_number() over (partition by p.source_type order by x.score desc, p.chunk_id) as place
    from promising p cross join lateral (
      select sum(s.weight * (0.35 + ts_rank('{0.4,0.5,0.8,1}', ch.tsv, s.query))) as score
      from chunks ch cross join seeking s where ch.id = p.chunk_id and ch.tsv @@ s.query) x) placed
  where place <= ${perType}
), picked as materialized (select id, array_agg(leg) as legs from found group by id)
select p.*, (select n from size) as searched,
  (select jsonb_agg(jsonb_build_object('ord', ord, 'term', term, 'documents', documents) order by ord) from terms) as terms
from (select 1) one left join lateral (
  select x.*, picked.legs from picked cross join lateral (
    select ch.id, ch.source_id, ch.source_type, ch.title, ch.heading_path, ch.page, ch.text, ch.tokens, so.url, ch.updated_at,
      case when ch.embedding_model = ${model} then 1 - (ch.embedding <=> ${question}) end as similarity,
      (select jsonb_agg(jsonb_build_object('ord', t.ord, 'rank', ts_rank('{0.4,0.5,0.8,1}', ch.tsv, t.query)))
       from terms t where ch.tsv @@ t.query) as matches
    from chunks ch join sources so on so.id = ch.source_id and so.deleted_at is null
    where ch.id = picked.id offset 0) x
) p on true`;
};

/**
 * The passages of these knowledge bases nearest to a question, by meaning and by words: five of each kind of source from
 * each leg, merged, FAQ ×1.2, recent ×1.1, the best that fit the budget.
 */
export const retrieve = async (store: Store, embedder: Embedder, request: RetrievalRequest): Promise<Retrieval> => {
  const { workspaceId, knowledgeBaseIds, terms, limit = 8, tokenBudget = 2600 } = request;
  const started = performance.now();
  const [vector] = await embedder.embed([request.text.slice(0, 1000)], {
    workspaceId,
    purpose: 'question',
    signal: request.signal,
  });
  const embedded = performance.now();
  const asked = terms.slice(0, 16).map(asQuery);
  const result = await store.once(
    workspaceId,
    searching(embedder.model, toVectorText(vector ?? []), knowledgeBaseIds, asked),
    'each time',
  );
  const rows = result.map((line) => row.parse(line));
  const searched = rows[0]?.searched ?? 0;
  const found = (rows[0]?.terms ?? []).map((term) => ({ ...term, weight: rarity(term.documents, searched) }));
  const candidates = rows.flatMap((line): Candidate[] => {
    const { id, source_id, source_type, title, heading_path, text, tokens, updated_at } = line;
    if (!id || !source_id || !source_type || title === null || text === null || tokens === null || !updated_at)
      return [];
    return [
      {
        chunkId: id,
        sourceId: source_id,
        sourceType: source_type,
        title,
        headingPath: heading_path ? heading_path.split(' › ') : [],
        page: line.page,
        text,
        tokens,
        url: line.url,
        updatedAt: updated_at,
        vectorScore: line.similarity ?? 0,
        matches: line.matches ?? [],
      },
    ];
  });
  return {
    passages: fit(rank(candidates, found, store.clock.ms()), limit, tokenBudget),
    terms: found.map(({ ord, weight, documents }) => ({
      place: ord - 1,
      term: terms[ord - 1] ?? '',
      weight,
      documents,
    })),
    searched,
    milliseconds: { embedding: embedded - started, search: performance.now() - embedded },
  };
};

export type Retrieve = (request: RetrievalRequest) => Promise<Retrieval>;

/** Searches of this process at once, and those that may wait; a search takes some ten milliseconds. */
const SEARCHES = { concurrency: 6, maxWaiting: { perKey: 500, all: 5_000 } };

/**
 * `retrieve` with turns: whoever asks a thousand times waits for their own, and the next workspace's question comes next.
 * @throws AppError 503 when too many of a workspace wait already
 */
export const createRetrieve = (store: Store, embedder: Embedder): Retrieve => {
  const turns = createFairQueue({ classes: ['search'], ...SEARCHES });
  return (request) =>
    turns.run({ class: 'search', key: request.workspaceId, signal: request.signal }, () =>
      retrieve(store, embedder, request),
    );
};

/** A term with its synonyms, as search_query (0018_search_text.sql) reads alternatives. */
const asQuery = (term: string): string => [term.slice(0, 100), ...synonymsOf(term)].join(' or ');

/** Inverse document frequency, as BM25 counts it: about 0 for a word everywhere, about ln(n) for one found once. */
const rarity = (documents: number, all: number): number =>
  Math.log(1 + (Math.max(all, documents) - documents + 0.5) / (documents + 0.5));

/** Best first, as long as they fit; one too long for what is left is passed over for a shorter one. */
const fit = (passages: Passage[], limit: number, budget: number): Passage[] => {
  const kept: Passage[] = [];
  let left = budget;
  for (const passage of passages) {
    if (kept.length >= limit) break;
    if (passage.tokens > left) continue;
    left -= passage.tokens;
    kept.push(passage);
  }
  return kept;
};
