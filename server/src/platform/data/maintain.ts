import type { Logger } from '../telemetry/log.ts';
import type { Database } from './index.ts';

const FIRST_MS = 2 * 60_000;
const EVERY_MS = 15 * 60_000;
/** The platform's own table whose rows change all the time. */
const OWN = ['outbox'];

/** `tables` are those of features whose rows change all the time; the rest grows and is read. */
type Busy = { schemas: () => string[]; tables: readonly string[] };

/**
 * What autovacuum does on a server: gives back the room of changed rows and counts what is there. The embedded database
 * has no such thing, so its busy tables are seen to here, one at a time, a few milliseconds each.
 */
export function maintainEmbedded(database: Database, log: Logger, { schemas, tables }: Busy): { close(): void } {
  if (database.kind !== 'embedded') return { close: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function maintain(): Promise<void> {
    for (const schema of schemas())
      for (const table of [...OWN, ...tables])
        await database.asOwner((client) => client.query(`vacuum (analyze) ${schema}.${table}`));
  }
  function schedule(delayMs: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      maintain()
        .catch((error: unknown) => log.warn({ err: error }, 'the embedded database was not maintained'))
        .finally(() => schedule(EVERY_MS));
    }, delayMs);
    timer.unref();
  }

  schedule(FIRST_MS);
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
