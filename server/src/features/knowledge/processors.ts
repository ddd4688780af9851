import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { and, eq, inArray, isNull, lt } from 'drizzle-orm';
import type { z } from 'zod';
import { sources } from '../../db/schema/index.ts';
import { ingest } from '../../knowledge/index.ts';
import type { SourceContent } from '../../knowledge/index.ts';
import type { Embedder } from '../../knowledge/embed.ts';
import { AppError, notFound } from '../../platform/errors.ts';
import type { Config } from '../../platform/config/config.ts';
import type { QueueOf } from '../../platform/jobs/jobs.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Place, Store } from '../../platform/data/tenant.ts';
import { knowledgeQueue } from './queue.ts';
import type { SourceToRead } from './queue.ts';
import { openFile } from '../files/queries.ts';
import { sourceChanged } from './changes.ts';
import { presentSource } from './present.ts';
import type { SourceRow } from './present.ts';

// Real time (2): how often people are told of progress.

/** A source whose row did not move for so long is nobody's. */
const FORGOTTEN_AFTER_S = 60;
const RESUMED_AT_ONCE = 200;
const EMIT_EVERY_MS = 200;

type Task = z.infer<typeof SourceToRead>;

export type KnowledgeProcessing = {
  /** Has the source read soon. Call it after the commit; what is lost here, `resumeUnfinished` finds. */
  enqueue(workspaceId: string, sourceId: string): Promise<void>;
  /** Has this process read sources, from `jobs.start()` on. */
  work(): void;
  /** Sources that stopped moving (a crash, a lost job) are queued again. Returns how many. For the sweeper. */
  resumeUnfinished(): Promise<number>;
};

export type ProcessingParts = {
  store: Store;
  storage: Storage;
  queueOf: QueueOf;
  embedder: Embedder;
  publish: Publish;
  log: Logger;
  config: Pick<Config, 'dataDir'>;
};

/** What the searchable text was made of. Files do not change, so theirs is their id. */
const hashOf = (row: SourceRow): string =>
  createHash('sha256')
    .update(JSON.stringify(row.fileId ? ['file', row.fileId] : [row.type, row.title, row.question, row.content]))
    .digest('hex');

/** Queue `knowledge`: sources become passages. Safe to run again at any point, and twice at once. */
export function createKnowledgeProcessing(parts: ProcessingParts): KnowledgeProcessing {
  const { store, storage, embedder, publish, log } = parts;
  const queue = parts.queueOf(knowledgeQueue);

  const load = ({ workspaceId, sourceId }: Task): Promise<SourceRow | undefined> =>
    store.inWorkspace(workspaceId, async (tx) => {
      const [row] = await tx
        .select()
        .from(sources)
        .where(and(eq(sources.id, sourceId), isNull(sources.deletedAt)));
      return row;
    });

  /** Where uploads pass through, too: what a crash leaves there is removed. */
  async function makeFolder(): Promise<string> {
    const uploads = join(parts.config.dataDir, 'uploads');
    await mkdir(uploads, { recursive: true });
    return mkdtemp(join(uploads, 'source-'));
  }

  /** What is to be read. A file is laid into `folder`: the thread that reads it takes it from there, in pieces. */
  async function contentOf(row: SourceRow, folder?: string): Promise<SourceContent> {
    if (row.type === 'faq') return { type: 'faq', question: row.question ?? row.title, answer: row.content ?? '' };
    if (row.type === 'snippet') return { type: 'snippet', title: row.title, text: row.content ?? '' };
    if (!row.fileId || !folder) throw notFound('The file of this source');
    const { file, stream } = await openFile({ store, storage }, { workspaceId: row.workspaceId, id: row.fileId });
    const path = join(folder, 'file');
    await pipeline(stream, createWriteStream(path));
    return { type: row.type, file: { path, size: file.size, mime: file.mime, name: file.name } };
  }

  /** Marks what was read. When the source was changed meanwhile it is pending once more, and read again. */
  const settle = (row: SourceRow, hash: string) =>
    store.inWorkspace(row.workspaceId, async (tx) => {
      const [current] = await tx
        .select()
        .from(sources)
        .where(and(eq(sources.id, row.id), isNull(sources.deletedAt)))
        .for('update');
      if (!current) return undefined;
      const change = hashOf(current) === hash ? { contentHash: hash } : { status: 'pending' as const, progress: 0 };
      await tx.update(sources).set(change).where(eq(sources.id, row.id));
      return { ...current, ...change };
    });

  const fail = (task: Task, error: string) =>
    store.inWorkspace(task.workspaceId, async (tx) => {
      const [row] = await tx
        .update(sources)
        .set({ status: 'failed', error, updatedAt: tx.now })
        .where(and(eq(sources.id, task.sourceId), isNull(sources.deletedAt)))
        .returning();
      return row;
    });

  /** Percentages for people who watch, a few a second at most. */
  function progressOf(row: SourceRow): (percent: number) => void {
    let last = 0;
    return (percent) => {
      // The last word comes from the row itself.
      if (percent >= 100 || Date.now() - last < EMIT_EVERY_MS) return;
      last = Date.now();
      publish([
        sourceChanged(row.workspaceId, {
          ...presentSource(row),
          status: 'processing',
          progress: percent,
          error: null,
        }),
      ]);
    };
  }

  /** The content, or nothing when the source was marked as failed because it has none. */
  async function readable(row: SourceRow, folder?: string): Promise<SourceContent | undefined> {
    try {
      return await contentOf(row, folder);
    } catch (error) {
      // Words for people mean that trying again changes nothing: the file is gone.
      if (!(error instanceof AppError) || error.status >= 500) throw error;
      await fail({ workspaceId: row.workspaceId, sourceId: row.id }, error.message);
      return undefined;
    }
  }

  async function read(task: Task): Promise<void> {
    for (;;) {
      const row = await load(task);
      if (!row) return;
      const hash = hashOf(row);
      const isSettled = row.contentHash === hash && (row.status === 'ready' || row.status === 'failed');
      if (isSettled) return;
      const folder = row.fileId ? await makeFolder() : undefined;
      try {
        const content = await readable(row, folder);
        if (content) {
          const { workspaceId, knowledgeBaseId } = row;
          await ingest(store, embedder, { workspaceId, knowledgeBaseId, sourceId: row.id, content }, progressOf(row));
        }
      } finally {
        if (folder) await rm(folder, { recursive: true, force: true });
      }
      const settled = await settle(row, hash);
      if (settled) publish([sourceChanged(row.workspaceId, presentSource(settled))]);
    }
  }

  const unfinishedIn = (place: Place) =>
    place.asSystem((tx) =>
      tx
        .select({ id: sources.id, workspaceId: sources.workspaceId })
        .from(sources)
        .where(
          and(
            inArray(sources.status, ['pending', 'processing']),
            isNull(sources.deletedAt),
            lt(sources.updatedAt, new Date(tx.now.getTime() - FORGOTTEN_AFTER_S * 1_000)),
          ),
        )
        .orderBy(sources.updatedAt)
        .limit(RESUMED_AT_ONCE),
    );

  return {
    async enqueue(workspaceId, sourceId) {
      try {
        await queue.add({ workspaceId, sourceId }, { key: sourceId });
      } catch (error) {
        // The source stands in its table as pending; a queue that is away must not make its saving look failed.
        log.warn({ err: error, sourceId }, 'a source waits for the sweeper');
      }
    },

    work() {
      queue.process(read, async (task) => {
        const row = await fail(task, 'Reading this source failed on our side. Try again in a while.');
        if (row) publish([sourceChanged(task.workspaceId, presentSource(row))]);
      });
    },

    async resumeUnfinished() {
      const found = await Promise.allSettled(store.places().map(unfinishedIn));
      const forgotten = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      for (const { id, workspaceId } of forgotten) await queue.add({ workspaceId, sourceId: id }, { key: id });
      const failed = found.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      return forgotten.length;
    },
  };
}
