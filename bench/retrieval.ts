/**
 * `npm run bench -- retrieval`: what a workspace finds, and how fast, in a table it shares with a hundred others, beside an
 * exact scan of a table that holds this workspace alone and beside a graph over that table alone; all in the same run.
 * CHUNKS is the size of the shared table (default 100000 on a PostgreSQL, 5000 embedded). The last row gives the whole
 * table to one workspace.
 *
 * Questions are of two kinds: about what the workspace writes about, and half about that, half about what only others do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { retrieve } from '../server/src/ai/retrieval.ts';
import type { Embedder } from '../server/src/knowledge/embed.ts';
import { openDatabase } from '../server/src/platform/data/index.ts';
import { newId } from '../server/src/platform/data/ids.ts';
import { createLogger } from '../server/src/platform/telemetry/log.ts';
import { createStore } from '../server/src/platform/data/tenant.ts';
import { openProfile } from './lib/profile.ts';
import { openReport } from './lib/report.ts';
import { summarise } from './lib/stats.ts';

const MODEL = 'use-lite-512';
const DIMENSIONS = 512;
const WANTED = 10;
const QUESTIONS = 30;
const TOPICS = 200;
const TOPICS_OF_ONE = 20;
const TYPES = ['document', 'website', 'faq', 'snippet'];
/** Recall a workspace may lose against a graph of its own. */
const LOSS = 0.01;

const profile = await openProfile();
const report = openReport(profile);
const chunks = Number(process.env.CHUNKS ?? (profile.name === 'embedded' ? 5_000 : 100_000));

/** The same numbers in every run (mulberry32). */
let state = 42;
const random = (): number => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};
const below = (count: number): number => Math.floor(random() * count);
const pick = <T>(all: T[]): T => {
  const one = all[below(all.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
};
const normal = (): number => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
const direction = (): number[] => Array.from({ length: DIMENSIONS }, () => normal() / Math.sqrt(DIMENSIONS));
const sum = (a: number[], b: number[], share: number): number[] => a.map((value, at) => value + share * (b[at] ?? 0));
const unit = (vector: number[]): number[] => vector.map((value) => value / Math.hypot(...vector));
const asText = (vector: number[]): string => `[${vector.map((value) => value.toFixed(4)).join(',')}]`;

// Topics have ten aspects each; a text is about one aspect and has a noise of its own.
const topics = Array.from({ length: TOPICS }, () => {
  const topic = direction();
  return Array.from({ length: 10 }, () => sum(topic, direction(), 0.7));
});
const about = (topic: number): number[] => sum(pick(topics[topic] ?? []), direction(), 0.6);

const SYLLABLES = 'ba co di fe gu ha jo ki la me no pu ra se ti vo wa xe yu zi'.split(' ');
const wordOf = (rank: number): string =>
  [400, 20, 1].map((place) => SYLLABLES[Math.floor(rank / place) % 20]).join('') + (rank % 3 ? 'n' : 'r');
/** The first words are in every second text, the last in one of thousands. */
const word = (): string => wordOf(Math.floor(Math.exp(random() * Math.log(8_000))) - 1);
const words = (count: number): string => Array.from({ length: count }, word).join(' ');

type Workspace = { share: number; id: string; base: string; source: string; count: number; topics: number[] };
const shares = [0.1, 0.01, 0.001, ...Array.from({ length: 97 }, () => 0.889 / 97)];
const workspaces = shares.map((share): Workspace => ({
  share,
  id: newId(),
  base: newId(),
  source: newId(),
  count: Math.round(chunks * share),
  topics: Array.from({ length: TOPICS_OF_ONE }, () => below(TOPICS)),
}));

const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const url = profile.name === 'cluster' ? profile.databaseUrl : undefined;
const database = await openDatabase({ dataDir, database: { url, replicaUrls: [] } }, createLogger({ level: 'fatal' }));
const store = createStore(database);
type Row = Record<string, string | number>;
const asOwner = (text: string, values: unknown[] = []): Promise<Row[]> =>
  database.asOwner(async (client) => {
    await client.query(`set maintenance_work_mem = '512MB'`);
    return (await client.query<Row>(text, values)).rows;
  });
const graphOn = (table: string): Promise<Row[]> =>
  asOwner(`create index on ${table} using hnsw ((embedding::halfvec(${DIMENSIONS})) halfvec_cosine_ops)
           where embedding_model = '${MODEL}'`);

const DEFINED = ['chunks_use_lite_512', 'chunks_words'];
/** The two indexes that are faster made at once than row by row. */
async function withoutIndexes(work: () => Promise<void>): Promise<void> {
  const made = await asOwner('select indexname, indexdef from pg_indexes where indexname = any($1)', [DEFINED]);
  if (made.length !== DEFINED.length) throw new Error('the indexes of the search have other names');
  await asOwner(`drop index ${DEFINED.join(', ')}`);
  await work();
  for (const { indexdef } of made) await asOwner(String(indexdef));
  await asOwner('vacuum analyze chunks');
}

async function fill(): Promise<void> {
  for (const { id, base, source } of workspaces) {
    await asOwner(`insert into workspaces (id, name) values ($1, 'bench')`, [id]);
    await asOwner(`insert into knowledge_bases (id, workspace_id, name) values ($1, $2, 'bench')`, [base, id]);
    await asOwner(
      `insert into sources (id, workspace_id, knowledge_base_id, type, title) values ($1, $2, $3, 'document', 'bench')`,
      [source, id, base],
    );
  }
  // Sources of everybody came in one after the other, so that no workspace has a part of the table to itself.
  const runs = workspaces.flatMap((workspace) =>
    Array.from({ length: Math.ceil(workspace.count / 20) }, (_unused, run) => ({
      workspace,
      count: Math.min(20, workspace.count - run * 20),
      order: random(),
    })),
  );
  const queue = runs
    .sort((a, b) => a.order - b.order)
    .flatMap(({ workspace, count }) => Array.from({ length: count }, () => workspace));
  for (let from = 0; from < queue.length; from += 500) {
    const rows = queue.slice(from, from + 500).map((workspace, at) => {
      const kind = random();
      const type = TYPES[kind < 0.6 ? 0 : kind < 0.85 ? 1 : kind < 0.95 ? 2 : 3];
      const embedding = asText(unit(about(pick(workspace.topics))));
      return [workspace.id, workspace.base, workspace.source, type, words(80 + below(100)), embedding, from + at];
    });
    await asOwner(
      `insert into chunks (id, workspace_id, knowledge_base_id, source_id, source_type, ordinal, title, heading_path, text,
                           tokens, content_hash, embedding, embedding_model)
       select gen_random_uuid(), w, b, s, t, o, 'Title', 'Heading', x, 200, o::text, e::halfvec, '${MODEL}'
       from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::int[]) as u(w, b, s, t, x, e, o)`,
      Array.from({ length: 7 }, (_unused, column) => rows.map((row) => row[column])),
    );
  }
}

const ALONE = `select id::text from unnest($2::text[]) as t(type) cross join lateral (
  select id from bench_alone where embedding_model = '${MODEL}' and source_type = t.type
  order by embedding::halfvec(${DIMENSIONS}) <=> $1::halfvec limit ${WANTED}) x`;

/** The questions asked of a table of this workspace alone, without an index and with a graph, then where all are. */
async function measure(name: string, workspace: Workspace): Promise<void> {
  const questions = Array.from({ length: QUESTIONS }, (_unused, at) => {
    const own = about(pick(workspace.topics));
    return { vector: unit(at % 2 === 0 ? own : sum(own, about(below(TOPICS)), 1)), terms: words(6).split(' ') };
  });
  await asOwner('drop table if exists bench_alone');
  await asOwner('create table bench_alone as select * from chunks where workspace_id = $1', [workspace.id]);
  await asOwner('vacuum analyze bench_alone');

  const alone = (settings: string) =>
    database.asOwner(async (client) => {
      await client.query(`set jit = off; ${settings}`);
      const found: Set<unknown>[] = [];
      const durations: number[] = [];
      for (const { vector } of questions) {
        const started = performance.now();
        const { rows } = await client.query<Row>(ALONE, [asText(vector), TYPES]);
        durations.push(performance.now() - started);
        found.push(new Set(rows.map((row) => row['id'])));
      }
      return { found, durations };
    });
  const exact = await alone('set enable_indexscan = off');
  await graphOn('bench_alone');
  const graph = await alone('set enable_seqscan = off; set enable_sort = off; set hnsw.ef_search = 200');

  const shared = { found: [] as Set<unknown>[], durations: [] as number[], whole: [] as number[], graphs: 0 };
  const round = async (): Promise<void> => {
    for (const { vector, terms } of questions) {
      const started = performance.now();
      const rows = await store.once<Row>(
        workspace.id,
        sql`select chunk_id as id from chunks_nearest(array[${workspace.base}]::uuid[], ${sql.param(TYPES)}::text[], ${MODEL},
          ${asText(vector)}::halfvec, ${WANTED})`,
      );
      shared.durations.push(performance.now() - started);
      shared.found.push(new Set(rows.map((row) => row['id'])));
      const embedder: Embedder = {
        model: MODEL,
        dimensions: DIMENSIONS,
        embed: () => Promise.resolve([vector]),
        probe: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
      const request = { workspaceId: workspace.id, knowledgeBaseIds: [workspace.base], text: 'of the bench', terms };
      const { milliseconds } = await retrieve(store, embedder, request);
      shared.whole.push(milliseconds.search);
    }
  };
  await round();
  Object.assign(shared, { found: [], durations: [], whole: [] });
  await round();
  shared.graphs = await store.inWorkspace(workspace.id, async (tx) => {
    await tx.execute(sql`select count(*) from chunks_nearest(array[${workspace.base}]::uuid[], ${sql.param(TYPES)}::text[],
      ${MODEL}, ${asText(questions[0]?.vector ?? [])}::halfvec, ${WANTED})`);
    const { rows } = await tx.execute<Row>(
      sql`select pg_stat_get_xact_numscans('chunks_use_lite_512'::regclass)::int as scans`,
    );
    return Number(rows[0]?.['scans']);
  });

  const recall = (found: Set<unknown>[]): number => {
    let hits = 0;
    let all = 0;
    exact.found.forEach((right, at) => {
      all += right.size;
      for (const id of right) if (found[at]?.has(id)) hits += 1;
    });
    return hits / all;
  };
  const base = summarise(exact.durations);
  const nearest = summarise(shared.durations);
  const whole = summarise(shared.whole);
  const own = recall(graph.found);
  const way = shared.graphs > 0 ? 'large kinds through the graph' : 'exact scan';
  report.figure(`${name}: recall@${WANTED}, a graph of its own`, own, '');
  report.figure(`${name}: recall@${WANTED} among all`, recall(shared.found), '', {
    bar: { atLeast: own - LOSS },
    note: way,
  });
  report.figure(`${name}: exact scan of it alone, p50`, base.p50, 'ms');
  report.figure(`${name}: nearest chunks, p50`, nearest.p50, 'ms');
  report.figure(`${name}: nearest chunks, p90`, nearest.p90, 'ms');
  report.figure(`${name}: nearest chunks / exact scan alone, p50`, nearest.p50 / base.p50, '×');
  report.figure(`${name}: whole retrieval with six words, p50`, whole.p50, 'ms');
  report.figure(`${name}: whole retrieval with six words, p90`, whole.p90, 'ms');
}

try {
  await withoutIndexes(fill);
  report.figure('chunks', chunks, '', { note: `${workspaces.length} workspaces` });
  const [tenth, hundredth, thousandth] = workspaces;
  if (!tenth || !hundredth || !thousandth) throw new Error('three workspaces are measured');
  await measure('10 %', tenth);
  await measure('1 %', hundredth);
  await measure('0.1 %', thousandth);
  await withoutIndexes(async () => {
    const { id, base, source } = tenth;
    await asOwner('update chunks set workspace_id = $1, knowledge_base_id = $2, source_id = $3', [id, base, source]);
  });
  await measure('100 %', { ...tenth, topics: Array.from({ length: TOPICS }, (_unused, at) => at) });
  await report.close();
} finally {
  await database.close();
  rmSync(dataDir, { recursive: true, force: true });
  await profile.close();
}
