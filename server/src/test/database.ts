import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../platform/data/index.ts';
import type { Database, DatabaseConfig } from '../platform/data/index.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { createDatabase, createMigratedDatabase } from './servers.ts';
import { copyEmbeddedTemplate } from './template.ts';

export type TestDatabase = {
  config: DatabaseConfig;
  database: Database;
  /** Closes it, so that another process can open the same data. */
  stop(): Promise<void>;
  /** Closes it and opens the same data again. */
  reopen(): Promise<Database>;
  /** Closes it and leaves nothing behind. */
  remove(): Promise<void>;
};

/**
 * A fresh, migrated database for one test file: on the server TEST_DATABASE_URL names, in a database of its own, or else
 * the embedded one in a folder of its own. The same tests hold on both.
 *
 * @param migrations folder of migrations other than the product's
 * @param server where to make it; null for the embedded one whatever TEST_DATABASE_URL says
 */
export async function createTestDatabase(
  migrations?: string,
  server: string | null = process.env.TEST_DATABASE_URL ?? null,
): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-test-'));
  const create = migrations ? createDatabase : createMigratedDatabase;
  const own = server ? await create(server, 'test') : undefined;
  if (!own && !migrations) await copyEmbeddedTemplate(dataDir);
  const config: DatabaseConfig = {
    dataDir,
    database: { ...(own ? { url: own.url } : {}), replicaUrls: [] },
  };
  const log = createLogger({ level: process.env.LOG_LEVEL ?? 'fatal' });
  let database = await openDatabase(config, log, migrations);
  let isOpen = true;
  async function stop(): Promise<void> {
    if (isOpen) await database.close();
    isOpen = false;
  }
  return {
    config,
    get database() {
      return database;
    },
    stop,
    async reopen() {
      await stop();
      database = await openDatabase(config, log, migrations);
      isOpen = true;
      return database;
    },
    async remove() {
      await stop();
      await own?.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A workspace with one inbox on Telegram, in the tables alone. */
export async function addWorkspace(database: Database, workspaceId: string, inboxId: string): Promise<void> {
  await database.asOwner(async (client) => {
    await client.query("insert into workspaces (id, name) values ($1, 'Acme')", [workspaceId]);
    await client.query(
      "insert into inboxes (id, workspace_id, name, channel, token) values ($1, $2, 'Inbox', 'telegram', 'a-token-of-tests')",
      [inboxId, workspaceId],
    );
  });
}
