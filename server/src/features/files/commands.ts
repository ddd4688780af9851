import { createHash } from 'node:crypto';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Attachment } from '@parley/contract';
import { fileRemovals, files } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { LocalFile, Storage } from '../../platform/storage/storage.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { sniffMime } from './mime.ts';
import { cleanName } from './name.ts';
import { presentFile } from './present.ts';
import { findFiles } from './queries.ts';

export type NewFile = {
  workspaceId: string;
  name: string;
  /** an upload is on the disk, what Parley fetched or made is in memory */
  content: LocalFile | Buffer;
  createdBy: { type: 'user' | 'contact' | 'bot'; id: string | null };
  /** the conversation whose visitor may read it; absent: the workspace's people alone */
  conversationId?: string;
};

/**
 * Keeps a file. The bytes are put before the row that names them is written: a crash between leaves bytes nobody can
 * reach, never a row without its bytes.
 */
export async function storeFile(parts: { store: Store; storage: Storage }, file: NewFile): Promise<Attachment> {
  const id = newId();
  const { content } = file;
  const inMemory = Buffer.isBuffer(content);
  const mime = await sniffMime(inMemory ? content : content.head);
  const storageKey = `${file.workspaceId}/files/${id}`;
  if (inMemory) await parts.storage.put(storageKey, content, { contentType: mime });
  else await parts.storage.putFile(storageKey, content, { contentType: mime });
  const row = {
    id,
    workspaceId: file.workspaceId,
    name: cleanName(file.name),
    mime,
    size: inMemory ? content.length : content.size,
    sha256: inMemory ? createHash('sha256').update(content).digest('hex') : content.sha256,
    storageKey,
    conversationId: file.conversationId ?? null,
    createdByType: file.createdBy.type,
    createdById: file.createdBy.id,
  };
  await parts.store.inWorkspace(file.workspaceId, (tx) => tx.insert(files).values({ ...row, createdAt: tx.now }));
  return presentFile(row);
}

/** Files of the workspace as a message carries them. @throws not-found */
export async function resolveAttachments(tx: Tx, ids: string[]): Promise<Attachment[]> {
  return (await findFiles(tx, ids)).map(presentFile);
}

/** Files a visitor names: only what belongs to the visitor's own conversation. @throws not-found (attack 3) */
export async function resolveVisitorAttachments(tx: Tx, conversationId: string, ids: string[]): Promise<Attachment[]> {
  const rows = await findFiles(tx, ids);
  if (rows.some((row) => row.conversationId !== conversationId)) throw notFound('The file');
  return rows.map(presentFile);
}

/**
 * The files an agent sends to a customer, in the order given: the visitor of that conversation may read them from now
 * on. What belongs to another conversation already is shared as a file of its own, so that one visitor's file does not
 * change hands. For private notes there is `resolveAttachments`.
 *
 * @throws not-found when one of them is not of this workspace (attack 3)
 */
export async function shareAttachments(tx: Tx, conversationId: string, ids: string[]): Promise<Attachment[]> {
  const rows = await findFiles(tx, ids);
  const fresh = rows.filter((row) => row.conversationId === null).map((row) => row.id);
  if (fresh.length > 0) {
    await tx
      .update(files)
      .set({ conversationId })
      .where(and(inArray(files.id, fresh), isNull(files.conversationId)));
  }
  const foreign = rows.filter((row) => row.conversationId !== null && row.conversationId !== conversationId);
  const copies = new Map(foreign.map((row) => [row.id, { ...row, id: newId(), conversationId }]));
  if (copies.size > 0) await tx.insert(files).values([...copies.values()]);
  return rows.map((row) => presentFile(copies.get(row.id) ?? row));
}

/** Files fetched from a platform for a message that is gone. */
export async function forgetFetchedFiles(tx: Tx, attachments: Attachment[]): Promise<void> {
  const ids = attachments.map(({ id }) => id);
  await deleteFiles(tx, ids, eq(files.createdByType, 'contact'));
}

/** Files whose source is gone; one that was sent to a customer as well stays theirs. */
export async function deleteSourceFiles(tx: Tx, ids: string[]): Promise<void> {
  await deleteFiles(tx, ids, isNull(files.conversationId));
}

/** A transaction cannot delete bytes, so it writes down which (`sweeps.ts`). */
async function deleteFiles(tx: Tx, ids: string[], where: SQL): Promise<void> {
  if (ids.length === 0) return;
  const gone = await tx
    .delete(files)
    .where(and(inArray(files.id, ids), where))
    .returning({ storageKey: files.storageKey, workspaceId: files.workspaceId });
  if (gone.length === 0) return;
  await tx
    .insert(fileRemovals)
    .values(gone.map((file) => ({ ...file, createdAt: tx.now })))
    .onConflictDoNothing();
}
