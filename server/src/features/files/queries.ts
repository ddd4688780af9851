import { eq, inArray } from 'drizzle-orm';
import { files } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { presentFile } from './present.ts';
import type { FileContent, FileRow } from './present.ts';

/** @throws not-found, also for a file of another workspace */
export async function findFile(tx: Tx, id: string): Promise<FileRow> {
  const [row] = await tx.select().from(files).where(eq(files.id, id));
  if (!row) throw notFound('The file');
  return row;
}

/** In the order asked for, each once. @throws not-found when one of them is not of this workspace (attack 3) */
export async function findFiles(tx: Tx, ids: string[]): Promise<FileRow[]> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return [];
  const found = new Map((await tx.select().from(files).where(inArray(files.id, wanted))).map((row) => [row.id, row]));
  return wanted.map((id) => {
    const row = found.get(id);
    if (!row) throw notFound('The file');
    return row;
  });
}

type Reader = { store: Store; storage: Storage };

/** Whole, for the product itself. @throws not-found */
export async function readFile({ store, storage }: Reader, wanted: { workspaceId: string; id: string }) {
  const row = await store.inWorkspace(wanted.workspaceId, (tx) => findFile(tx, wanted.id));
  return { file: presentFile(row), bytes: await storage.get(row.storageKey) };
}

const openRow = async (storage: Storage, row: FileRow): Promise<FileContent> => ({
  file: presentFile(row),
  stream: await storage.open(row.storageKey),
});

/** For the workspace's people. @throws not-found */
export async function openFile({ store, storage }: Reader, wanted: { workspaceId: string; id: string }) {
  return openRow(storage, await store.inWorkspace(wanted.workspaceId, (tx) => findFile(tx, wanted.id)));
}

/** For a visitor: only what belongs to the visitor's own conversation. @throws not-found */
export async function openVisitorFile(
  { store, storage }: Reader,
  wanted: { workspaceId: string; conversationId: string; id: string },
): Promise<FileContent> {
  const row = await store.inWorkspace(wanted.workspaceId, (tx) => findFile(tx, wanted.id));
  if (row.conversationId !== wanted.conversationId) throw notFound('The file');
  return openRow(storage, row);
}
