import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { AppError } from '../platform/errors.ts';
import { newId } from '../platform/data/ids.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import { toVectorText, type Embedder } from './embed.ts';
import { prepareApart } from './prepare-apart.ts';
import type { Prepared, SourceContent } from './prepare.ts';

// Foreign tables: chunks, sources. This room makes and replaces the passages of a source.

export type { SourceContent } from './prepare.ts';

export type SourceToIngest = {
  workspaceId: string;
  knowledgeBaseId: string;
  sourceId: string;
  content: SourceContent;
};

export type IngestResult =
  | { status: 'ready'; title: string; chunkCount: number; embedded: number; reused: number }
  /** the content is at fault; `error` is what the row and the person are told; trying again changes nothing */
  | { status: 'failed'; error: string }
  /** the source was deleted meanwhile; nothing was written */
  | { status: 'gone' };

const knownRow = z.object({ content_hash: z.string(), embedding: z.string() });

/** Vectors this workspace has already paid for, as pgvector text, by content hash. */
const knownVectors = (store: Store, workspaceId: string, embedder: Embedder, hashes: string[]) =>
  store.inWorkspace(workspaceId, async (tx) => {
    const { rows } = await tx.execute(sql`
      select distinct on (content_hash) content_hash, embedding::text as embedding from chunks
      where workspace_id = ${workspaceId} and embedding_model = ${embedder.model}
        and content_hash in (select jsonb_array_elements_text(${JSON.stringify(hashes)}::jsonb)) and embedding is not null`);
    return new Map(rows.map((row) => knownRow.parse(row)).map((row) => [row.content_hash, row.embedding]));
  });

const setProgress = (store: Store, source: SourceToIngest, progress: number) =>
  store.inWorkspace(source.workspaceId, (tx) =>
    tx.execute(sql`
      update sources set status = 'processing', progress = ${progress}, error = null, updated_at = ${tx.now}
      where id = ${source.sourceId} and deleted_at is null`),
  );

const setFailed = (store: Store, source: SourceToIngest, error: string) =>
  store.inWorkspace(source.workspaceId, (tx) =>
    tx.execute(sql`
      update sources set status = 'failed', error = ${error}, updated_at = ${tx.now}, warnings = '[]'
      where id = ${source.sourceId} and deleted_at is null`),
  );

const rowsAtOnce = 200;
/** Texts between two words of progress. */
const embeddedAtOnce = 20;

/** The old chunks out, the new ones in, the source ready: one transaction, so a reader never sees half of a source. */
const replaceChunks = async (
  tx: Tx,
  source: SourceToIngest,
  embedder: Embedder,
  { title, chunks, words, warnings }: Prepared,
  vectors: Map<string, string>,
): Promise<boolean> => {
  // The lock makes a second run of the same source wait, then replace what the first one wrote.
  const { rows } = await tx.execute(
    sql`select id from sources where id = ${source.sourceId} and deleted_at is null for update`,
  );
  if (rows.length === 0) return false;
  await tx.execute(sql`delete from chunks where source_id = ${source.sourceId}`);
  for (let from = 0; from < chunks.length; from += rowsAtOnce) {
    const batch = chunks.slice(from, from + rowsAtOnce).map((part) => ({
      id: newId(),
      ordinal: part.ordinal,
      heading_path: part.headingPath.join(' › '),
      page: part.page,
      text: part.text,
      tokens: part.tokens,
      content_hash: part.contentHash,
      embedding: vectors.get(part.contentHash),
    }));
    await tx.execute(sql`
      insert into chunks (id, workspace_id, knowledge_base_id, source_id, source_type, ordinal, title, heading_path, page,
                          text, tokens, content_hash, embedding, embedding_model, created_at, updated_at)
      select r.id, ${source.workspaceId}, ${source.knowledgeBaseId}, ${source.sourceId}, ${source.content.type}, r.ordinal,
             ${title}, r.heading_path, r.page, r.text, r.tokens, r.content_hash, r.embedding::halfvec, ${embedder.model}, ${tx.now}::timestamptz, ${tx.now}::timestamptz
      from jsonb_to_recordset(${storedJson(batch)}::jsonb)
        as r(id uuid, ordinal int, heading_path text, page int, text text, tokens int, content_hash text, embedding text)`);
  }
  await tx.execute(sql`
    update sources set status = 'ready', progress = 100, error = null, chunk_count = ${chunks.length}, updated_at = ${tx.now},
      words_read = ${words.read}, words_searchable = ${words.searchable}, warnings = ${storedJson(warnings)}::jsonb
    where id = ${source.sourceId}`);
  return true;
};

/** Where the progress of a source stands when its text is read; embedding follows. */
const READ_PERCENT = 30;
const BEGUN_PERCENT = 5;

/** Writes progress while a file is read: one statement at a time, in steps that can be seen. */
function createReadingProgress(report: (percent: number) => Promise<void>) {
  let last = BEGUN_PERCENT;
  let failure: unknown;
  let writing: Promise<void> | undefined;
  return {
    note(share: number): void {
      const percent = BEGUN_PERCENT + Math.floor((READ_PERCENT - BEGUN_PERCENT) * Math.min(1, Math.max(0, share)));
      if (writing || percent < last + 5) return;
      last = percent;
      writing = report(percent)
        .catch((error: unknown) => void (failure = error))
        .finally(() => (writing = undefined));
    },
    /** @throws what writing threw */
    async settled(): Promise<void> {
      await writing;
      if (failure !== undefined) throw failure;
    },
  };
}

/**
 * Makes a source searchable: extract, chunk, embed what is new, replace its chunks. Writes `status`, `progress`, `error`
 * and `chunk_count` of the source row; `onProgress` hears the same percentages (0–100) for the live view.
 * Running it again, also after a crash at any point, ends in the same rows.
 * @throws what the database or the model throws; the source then stays `processing` and is to be run again
 */
export const ingest = async (
  store: Store,
  embedder: Embedder,
  source: SourceToIngest,
  onProgress: (percent: number) => void = () => undefined,
): Promise<IngestResult> => {
  const report = async (percent: number) => {
    await setProgress(store, source, percent);
    onProgress(percent);
  };
  await report(BEGUN_PERCENT);
  let prepared: Prepared;
  const reading = createReadingProgress(report);
  try {
    prepared = await prepareApart(source.content, { onProgress: reading.note }).finally(reading.settled);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await setFailed(store, source, error.message);
    return { status: 'failed', error: error.message };
  }
  const texts = new Map(prepared.chunks.map((part) => [part.contentHash, part.embeds]));
  const vectors = await knownVectors(store, source.workspaceId, embedder, [...texts.keys()]);
  const reused = vectors.size;
  const fresh = [...texts].filter(([hash]) => !vectors.has(hash));
  await report(READ_PERCENT);
  for (let from = 0; from < fresh.length; from += embeddedAtOnce) {
    const batch = fresh.slice(from, from + embeddedAtOnce);
    const found = await embedder.embed(
      batch.map(([, text]) => text),
      { workspaceId: source.workspaceId, purpose: 'ingest' },
    );
    batch.forEach(([hash], at) => vectors.set(hash, toVectorText(found[at] ?? [])));
    await report(
      READ_PERCENT + Math.floor(((90 - READ_PERCENT) * Math.min(fresh.length, from + embeddedAtOnce)) / fresh.length),
    );
  }
  const written = await store.inWorkspace(source.workspaceId, (tx) =>
    replaceChunks(tx, source, embedder, prepared, vectors),
  );
  if (!written) return { status: 'gone' };
  onProgress(100);
  return { status: 'ready', title: prepared.title, chunkCount: prepared.chunks.length, embedded: fresh.length, reused };
};
