/** Searching in a table many workspaces share: what the functions of the tables' owner may tell, and which way they go. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { toVectorText } from '../knowledge/embed.ts';
import type { Embedder } from '../knowledge/embed.ts';
import { newId } from '../platform/data/ids.ts';
import { createStore } from '../platform/data/tenant.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { retrieve } from './retrieval.ts';

const model = 'use-lite-512';
const types = ['document', 'website', 'faq', 'snippet'];
const CHUNKS = 150;

/** The same numbers in every run (mulberry32). */
let state = 7;
const random = (): number => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};
const unit = (numbers: number[]): number[] => {
  const length = Math.hypot(...numbers);
  return numbers.map((number) => number / length);
};
const direction = (): number[] => unit(Array.from({ length: 512 }, () => random() - 0.5));
/** What everybody writes about: each vector lies near one of them. */
const topics = Array.from({ length: 6 }, direction);
const about = (topic: number): number[] => {
  const noise = direction();
  return unit((topics[topic] ?? []).map((number, at) => number + 0.8 * (noise[at] ?? 0)));
};

type Workspace = { id: string; base: string; source: string };

describe('searching in a table of many workspaces', () => {
  let held: TestDatabase;
  let store: Store;
  let acme: Workspace;
  let mallory: Workspace;

  const rowsOf = async <Row extends Record<string, unknown>>(tx: Tx, query: SQL) => (await tx.execute<Row>(query)).rows;
  const nearest = (bases: string[], question: number[], exactUpTo: number | null = null) =>
    sql`select chunk_id from chunks_nearest(${sql.param(bases)}::uuid[], ${sql.param(types)}::text[], ${model},
      ${toVectorText(question)}::halfvec, 8, ${exactUpTo}::int)`;
  const withWords = (bases: string[], ...queries: string[]) =>
    sql`select query, chunk_id from chunks_with(${sql.param(bases)}::uuid[], ${sql.param(queries)}::text[], 5000)`;
  const fails = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'it worked',
      (error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error),
    );

  /** A workspace with as many chunks of one document, all of which say `word`. */
  const populate = async (word: string, texts = Array.from({ length: CHUNKS }, () => '')): Promise<Workspace> => {
    const made = { id: newId(), base: newId(), source: newId() };
    await held.database.asOwner((client) =>
      client.query('insert into workspaces (id, name) values ($1, $2)', [made.id, word]),
    );
    const rows = texts.map((text, ordinal) => ({
      id: newId(),
      ordinal,
      text: `Everybody says common, here they say ${word} ${text}`,
      embedding: toVectorText(about(ordinal % topics.length)),
    }));
    await store.inWorkspace(made.id, async (tx) => {
      await tx.execute(
        sql`insert into knowledge_bases (id, workspace_id, name) values (${made.base}, ${made.id}, ${word})`,
      );
      await tx.execute(
        sql`insert into sources (id, workspace_id, knowledge_base_id, type, title) values (${made.source}, ${made.id}, ${made.base}, 'document', ${word})`,
      );
      await tx.execute(sql`
        insert into chunks (id, workspace_id, knowledge_base_id, source_id, source_type, ordinal, title, heading_path, text,
                            tokens, content_hash, embedding, embedding_model)
        select r.id, ${made.id}, ${made.base}, ${made.source}, 'document', r.ordinal, ${word}, '', r.text, 20, r.ordinal,
               r.embedding::halfvec, ${model}
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id uuid, ordinal int, text text, embedding text)`);
    });
    return made;
  };
  const ownIds = async ({ id }: Workspace): Promise<Set<string>> =>
    new Set(
      (await store.inWorkspace(id, (tx) => rowsOf<{ id: string }>(tx, sql`select id from chunks`))).map(
        (row) => row.id,
      ),
    );
  const embedding = (question: number[]): Embedder => ({
    model,
    dimensions: 512,
    embed: () => Promise.resolve([question]),
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  });

  before(async () => {
    held = await createTestDatabase();
    store = createStore(held.database);
    acme = await populate('acme');
    // A text that names the base of another workspace is still a text of its own.
    mallory = await populate('mallory', [acme.base, `'${acme.base}'`, ...Array.from({ length: CHUNKS - 2 }, () => '')]);
  });
  after(() => held?.remove());

  test('without a workspace nothing is found, by meaning or by words', async () => {
    for (const query of [
      nearest([acme.base], about(0)),
      nearest([acme.base], about(0), 0),
      withWords([acme.base], 'common'),
    ]) {
      const found = await store.asSystem(async (tx) => {
        await tx.execute(sql`set local role parley_app`);
        return rowsOf(tx, query);
      });
      assert.deepEqual(found, []);
    }
  });

  test('only the role of the product may ask', async () => {
    for (const query of [nearest([acme.base], about(0)), withWords([acme.base], 'common')])
      assert.match(await fails(store.asSystem((tx) => rowsOf(tx, query))), /permission denied/);
  });

  test('whatever is asked, nothing of another workspace is found', async () => {
    const own = await ownIds(mallory);
    const foreign = [acme.base];
    const both = [acme.base, mallory.base];
    const words = ['acme', 'common', `common or acme`, `-nothing`, `"${acme.base}"`, acme.base];
    for (let topic = 0; topic < topics.length; topic++) {
      for (const exactUpTo of [null, 0]) {
        const [none, some] = await store.inWorkspace(mallory.id, async (tx) => [
          await rowsOf(tx, nearest(foreign, about(topic), exactUpTo)),
          await rowsOf<{ chunk_id: string }>(tx, nearest(both, about(topic), exactUpTo)),
        ]);
        assert.deepEqual(none, []);
        assert.ok(some?.length === 8 && some.every((row) => own.has(String(row['chunk_id']))));
      }
    }
    const [none, some] = await store.inWorkspace(mallory.id, async (tx) => [
      await rowsOf(tx, withWords(foreign, ...words)),
      await rowsOf(tx, withWords(both, ...words)),
    ]);
    assert.deepEqual(none, []);
    assert.ok(some && some.length > 2 * CHUNKS && some.every((row) => own.has(String(row['chunk_id']))));
    assert.ok(!some.some((row) => row['query'] === 1), 'a word only the other one uses');
    const { passages } = await retrieve(store, embedding(about(0)), {
      workspaceId: mallory.id,
      knowledgeBaseIds: foreign,
      text: 'acme',
      terms: words,
    });
    assert.deepEqual(passages, []);
  });

  test('a temporary table of the same name is not what is searched', async () => {
    const own = await ownIds(mallory);
    await store.inWorkspace(mallory.id, async (tx) => {
      await tx.execute(sql`create temporary table chunks on commit drop as select * from public.chunks limit 0`);
      await tx.execute(sql`
        insert into chunks (id, workspace_id, knowledge_base_id, source_type, embedding, embedding_model)
        values (${newId()}, ${mallory.id}, ${mallory.base}, 'document', ${toVectorText(about(0))}::halfvec, ${model})`);
      const found = await rowsOf<{ chunk_id: string }>(tx, nearest([mallory.base], about(0)));
      assert.ok(found.length === 8 && found.every((row) => own.has(row.chunk_id)));
      assert.equal((await rowsOf(tx, withWords([mallory.base], 'common'))).length, CHUNKS);
    });
  });

  test('few chunks are scanned exactly, many are looked up in the graph of all workspaces, and it finds the same', async () => {
    const scans = async (tx: Tx): Promise<Record<string, number>> =>
      (
        await rowsOf<Record<string, number>>(
          tx,
          sql`select pg_stat_get_xact_numscans('chunks_use_lite_512'::regclass)::int as graph,
            pg_stat_get_xact_numscans('chunks_words'::regclass)::int as words`,
        )
      )[0] ?? {};
    await store.inWorkspace(acme.id, async (tx) => {
      let found = 0;
      for (let topic = 0; topic < topics.length; topic++) {
        const question = about(topic);
        const before = await scans(tx);
        const exact = await rowsOf<{ chunk_id: string }>(tx, nearest([acme.base], question));
        const between = await scans(tx);
        const graph = await rowsOf<{ chunk_id: string }>(tx, nearest([acme.base], question, 0));
        const after = await scans(tx);
        assert.equal(between['graph'], before['graph'], 'few: no graph');
        assert.ok(Number(after['graph']) > Number(between['graph']), 'many: the graph');
        found += graph.filter((row) => exact.some((other) => other.chunk_id === row.chunk_id)).length;
      }
      assert.ok(found >= 0.95 * 8 * topics.length, `${found} of ${8 * topics.length}`);
      const before = await scans(tx);
      await rowsOf(tx, withWords([acme.base], 'common', 'acme'));
      assert.equal((await scans(tx))['words'], Number(before['words']) + 2);
    });
  });
});
