import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { createMultiplexer } from './multiplexer.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './embedded.ts';

/**
 * The thread of the embedded database: one PGlite on a folder, shared by all connections of the process.
 * A failure of the database itself is thrown on: the thread dies, and the process with it (see embedded.ts).
 */
async function run(settings: WorkerSettings): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('the embedded database runs in a worker thread');
  const database = await PGlite.create({
    dataDir: settings.folder,
    extensions: { vector },
    pgliteWasmModule: settings.program,
  });
  // There is no autovacuum in here, so tables have no statistics and a kept plan is never made anew: one made while a
  // table was empty would read it from end to end for ever. Every question we ask often has an index.
  await database.exec('set enable_seqscan = off');
  const multiplexer = createMultiplexer((bytes) => database.execProtocolRawSync(bytes), settings.idleTransactionMs);
  const tell = (message: FromWorker) => port.postMessage(message);
  port.on('message', (message: ToWorker) => {
    if (message.type === 'data') return multiplexer.receive(message.id, Buffer.from(message.bytes.buffer));
    if (message.type === 'close') return multiplexer.close(message.id);
    if (message.type === 'open') {
      const { id } = message;
      return multiplexer.open(id, {
        write: (bytes) => tell({ type: 'data', id, bytes: new Uint8Array(bytes) }),
        end: () => tell({ type: 'close', id }),
      });
    }
    void database.close().then(() => {
      tell({ type: 'stopped' });
      port.close();
    });
  });
  tell({ type: 'ready' });
}

await run(workerData);
