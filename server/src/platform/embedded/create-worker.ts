import { renameSync, rmSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { WorkerSettings } from './embedded.ts';

/**
 * Makes a new database beside its place and moves it there whole: a kill during the first start leaves no half of one.
 * A thread of its own, because making one takes some 250 MB, which only the end of the thread gives back.
 */
async function create({ folder, program }: WorkerSettings): Promise<void> {
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  const database = await PGlite.create({ dataDir: unfinished, pgliteWasmModule: program });
  await database.close();
  renameSync(unfinished, folder);
}

await create(workerData);
