/** Ingestion and retrieval on a real embedded database with the bundled model. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { extractiveAnswer } from '../ai/extractive.ts';
import { retrieve } from '../ai/retrieval.ts';
import { searchTerms } from '../ai/terms.ts';
import { openDatabase, type Database } from '../platform/data/index.ts';
import { newId } from '../platform/data/ids.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { createStore, type Store } from '../platform/data/tenant.ts';
import { createBundledEmbedder, type Embedder } from './embed.ts';
import { ingest, type SourceContent } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-knowledge-'));
const workspaceId = newId();
const strangerId = newId();
const knowledgeBaseId = newId();
let database: Database;
let store: Store;
const bundled = createBundledEmbedder();
let embeddedTexts = 0;
const embedder: Embedder = {
  ...bundled,
  embed: (texts, turn) => {
    embeddedTexts += texts.length;
    return bundled.embed(texts, turn);
  },
};

before(async () => {
  database = await openDatabase({ dataDir: folder, database: { replicaUrls: [] } }, createLogger({ level: 'silent' }));
  store = createStore(database);
  for (const id of [workspaceId, strangerId]) {
    await database.asOwner((client) => client.query('insert into workspaces (id, name) values ($1, $2)', [id, 'test']));
  }
  await store.inWorkspace(workspaceId, (tx) =>
    tx.execute(
      sql`insert into knowledge_bases (id, workspace_id, name) values (${knowledgeBaseId}, ${workspaceId}, 'Help')`,
    ),
  );
});
after(async () => {
  await bundled.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const createSource = async (type: string): Promise<string> => {
  const id = newId();
  await store.inWorkspace(workspaceId, (tx) =>
    tx.execute(
      sql`insert into sources (id, workspace_id, knowledge_base_id, type, title) values (${id}, ${workspaceId}, ${knowledgeBaseId}, ${type}, 'new')`,
    ),
  );
  return id;
};
const rowsOf = async (sourceId: string) => {
  const read = await store.inWorkspace(workspaceId, async (tx) => ({
    source: (await tx.execute(sql`select status, progress, error, chunk_count from sources where id = ${sourceId}`))
      .rows[0],
    chunks: (
      await tx.execute(
        sql`select ordinal, text, heading_path, embedding is not null as embedded from chunks where source_id = ${sourceId} order by ordinal`,
      )
    ).rows,
  }));
  return read;
};
const add = async (content: SourceContent, model = embedder) => {
  const sourceId = await createSource(content.type);
  const percents: number[] = [];
  const result = await ingest(store, model, { workspaceId, knowledgeBaseId, sourceId, content }, (percent) =>
    percents.push(percent),
  );
  return { sourceId, result, percents };
};
const find = async (question: string, from = workspaceId) => {
  const { terms, text } = await searchTerms({ question, history: [] });
  return retrieve(store, embedder, { workspaceId: from, knowledgeBaseIds: [knowledgeBaseId], terms, text });
};
const document = (text: string, name = 'guide.md'): SourceContent => ({
  type: 'document',
  file: { content: Buffer.from(text), mime: '', name },
});

const guide = `# Guide\n\n## setErrorHandler\n\nCall \`fastify.setErrorHandler(fn)\` to answer errors yourself.\n\n## Logging\n\nLogging is off by default. Pass \`logger: true\` to see every request.\n`;

describe('ingestion', () => {
  test('what is no text fails with a reason the person can read, and stays failed', async () => {
    const { sourceId, result } = await add(document('%PDF-1.4', 'a.md'));
    assert.deepEqual(result, {
      status: 'failed',
      error: 'This is a PDF, not text. Export it as Markdown, HTML or plain text and upload that.',
    });
    const { source } = await rowsOf(sourceId);
    assert.equal(source?.['status'], 'failed');
    assert.match(String(source?.['error']), /PDF/);
  });

  test('a source deleted meanwhile leaves no chunks', async () => {
    const sourceId = await createSource('document');
    await store.inWorkspace(workspaceId, (tx) =>
      tx.execute(sql`update sources set deleted_at = now() where id = ${sourceId}`),
    );
    const result = await ingest(store, embedder, { workspaceId, knowledgeBaseId, sourceId, content: document(guide) });
    assert.deepEqual(result, { status: 'gone' });
    assert.equal((await rowsOf(sourceId)).chunks.length, 0);
  });

  test('a crash in the middle is repaired by running again; twice at once duplicates nothing', async () => {
    const sourceId = await createSource('document');
    const source = { workspaceId, knowledgeBaseId, sourceId, content: document(guide) };
    const dying: Embedder = { ...embedder, embed: () => Promise.reject(new Error('the model died')) };
    await assert.rejects(ingest(store, dying, source), /the model died/);
    assert.equal((await rowsOf(sourceId)).source?.['status'], 'processing');
    await Promise.all([ingest(store, embedder, source), ingest(store, embedder, source)]);
    const { source: row, chunks } = await rowsOf(sourceId);
    assert.deepEqual([row?.['status'], row?.['progress'], row?.['chunk_count']], ['ready', 100, 2]);
    assert.deepEqual(
      chunks.map((chunk) => chunk['heading_path']),
      ['setErrorHandler', 'Logging'],
    );
    assert.ok(chunks.every((chunk) => chunk['embedded']));
  });

  test('unchanged text is not embedded again, changed text replaces the old', async () => {
    const { sourceId } = await add(document(guide));
    const before = embeddedTexts;
    const changed = guide.replace('every request', 'all requests');
    const result = await ingest(store, embedder, {
      workspaceId,
      knowledgeBaseId,
      sourceId,
      content: document(changed),
    });
    assert.equal(embeddedTexts - before, 1);
    assert.ok(result.status === 'ready' && result.reused === 1);
    const { chunks } = await rowsOf(sourceId);
    assert.equal(chunks.length, 2);
    assert.match(String(chunks[1]?.['text']), /all requests/);
  });

  test('a heading that is cut in the middle of an emoji fails nothing', async () => {
    const { sourceId, result } = await add(document(`## ${'a'.repeat(199)}😀\n\nThe stove hisses when it is cold.\n`));
    assert.equal(result.status, 'ready');
    const { chunks } = await rowsOf(sourceId);
    assert.match(String(chunks[0]?.['text']), /hisses/);
  });

  test('progress rises to 100', async () => {
    const { percents } = await add({
      type: 'faq',
      question: 'How long is the return window?',
      answer: 'It is **30 days** from delivery.',
    });
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.equal(percents.at(-1), 100);
  });
});

describe('retrieval', () => {
  test('another workspace finds nothing, even with the ids of the knowledge base', async () => {
    const found = await find('How long is the return window?', strangerId);
    assert.deepEqual([found.passages.length, found.searched], [0, 0]);
  });

  test('hostile terms are words, not syntax', async () => {
    const { passages } = await find(`'); drop table chunks; -- "unclosed & | ! <-> :* \\ return window`);
    assert.ok(passages.length > 0);
  });

  test('it is one statement', async () => {
    const before = store.statementCount();
    await find('return window');
    assert.equal(store.statementCount() - before, 1);
  });

  test('an exact identifier hits, also where the text has it behind a dot', async () => {
    const found = await find('setErrorHandler');
    assert.equal(found.passages[0]?.headingPath.at(-1), 'setErrorHandler');
    assert.ok((found.terms[0]?.documents ?? 0) > 0);
  });

  test('a long question finds by the words that count; an FAQ leads, with both scores told', async () => {
    const { passages } = await find(
      'Hello there, I bought a lamp last week and I was wondering how many days the return window is open for me?',
    );
    assert.equal(passages[0]?.sourceType, 'faq');
    assert.ok(passages[0].vectorScore > 0.3 && passages[0].textScore > 0);
  });

  test('passages keep to the budget', async () => {
    const { terms, text } = await searchTerms({ question: 'logging', history: [] });
    const found = await retrieve(store, embedder, {
      workspaceId,
      knowledgeBaseIds: [knowledgeBaseId],
      terms,
      text,
      tokenBudget: 40,
    });
    assert.ok(found.passages.reduce((sum, passage) => sum + passage.tokens, 0) <= 40);
  });

  test('a knowledge base without chunks is no error', async () => {
    const found = await retrieve(store, embedder, {
      workspaceId,
      knowledgeBaseIds: [newId()],
      terms: ['x'],
      text: 'x',
    });
    assert.deepEqual(found.passages, []);
    assert.equal(
      (await retrieve(store, embedder, { workspaceId, knowledgeBaseIds: [], terms: [], text: '' })).passages.length,
      0,
    );
  });
});

describe('the built-in answer', () => {
  const ask = async (question: string) => {
    const { passages, terms } = await find(question);
    return extractiveAnswer({ workspaceId, question, passages, terms }, embedder);
  };

  test('declines what the sources do not say', async () => {
    for (const question of ['What is the capital of France?', 'How do I bake bread?', 'Who is your director?']) {
      const answer = await ask(question);
      assert.equal(answer.haveEnoughInformation, false, question);
      assert.deepEqual([answer.text, answer.citations], ['', []]);
    }
  });

  test('gives the whole answer of an FAQ', async () => {
    const answer = await ask('How long is the return window?');
    assert.equal(answer.text, 'It is **30 days** from delivery.');
    assert.ok(answer.confidence > 0.7);
  });

  test('quotes whole sentences of the cited passage', async () => {
    const answer = await ask('Is logging off by default?');
    assert.match(answer.text, /Logging is off by default\./);
    assert.equal(answer.citations[0]?.title, 'Guide');
  });
});
