import type { Client } from 'pg';
import type { Database } from '../platform/data/index.ts';
import { MoveError } from './errors.ts';

/** Names the lock of a workspace that is being moved, beside its own number. */
const MOVING = 0x6d6f7665;

/** The connections of a move, each as the owner of the tables. */
export type MoveConnections = {
  client: Client;
  /** a second one, so that a copy can be committed in portions; the same on the embedded database */
  other: Client;
  /** to the database of the workspace's own */
  own(address: string): Promise<Client>;
  /** Runs it while no other move runs its own. */
  inTurn<T>(run: () => Promise<T>): Promise<T>;
};

/** Embedded databases a move is under way in. Their one session can hold no lock beside the work. */
const busy = new WeakSet<Database>();

/** Runs `work` while nobody else moves the workspace. @throws MoveError when somebody does */
export async function alone<T>(
  database: Database,
  workspaceId: string,
  work: (connections: MoveConnections) => Promise<T>,
): Promise<T> {
  // One session is all the embedded database has: both sides share a connection there, and no other process is there.
  if (database.kind === 'embedded') {
    if (busy.has(database)) throw new MoveError('a workspace is being moved already');
    busy.add(database);
    return database
      .asOwner((client) =>
        work({
          client,
          other: client,
          own: () => Promise.reject(new MoveError('a database of its own needs DATABASE_URL')),
          inTurn: (run) => run(),
        }),
      )
      .finally(() => busy.delete(database));
  }
  const close: (() => void)[] = [];
  const ended: Promise<unknown>[] = [];
  const owns = new Map<string, Promise<Client>>();
  const own = (address: string): Promise<Client> => {
    const { promise, resolve, reject } = Promise.withResolvers<Client>();
    const { promise: closed, resolve: end } = Promise.withResolvers<void>();
    const found = owns.get(address);
    if (found) return found;
    owns.set(address, promise);
    close.push(end);
    const running = database.asOwner(async (client) => {
      resolve(client);
      await closed;
    }, address);
    ended.push(running.catch(reject));
    return promise;
  };
  return database.asOwner((lock) =>
    database.asOwner((client) =>
      database.asOwner(async (other) => {
        await lock.query('begin');
        const { rows } = await lock.query<{ got: boolean }>(
          'select pg_try_advisory_xact_lock($1, hashtext($2)) as got',
          [MOVING, workspaceId],
        );
        if (!rows[0]?.got) throw new MoveError('this workspace is being moved by another command');
        const inTurn = async <R>(run: () => Promise<R>): Promise<R> => {
          // Given back with the savepoint: the lock of the workspace stays.
          await lock.query('savepoint turn');
          await lock.query('select pg_advisory_xact_lock($1)', [MOVING]);
          try {
            return await run();
          } finally {
            await lock.query('rollback to savepoint turn');
          }
        };
        try {
          return await work({ client, other, own, inTurn });
        } finally {
          for (const end of close) end();
          await Promise.all(ended);
        }
      }),
    ),
  );
}
