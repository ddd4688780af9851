import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDatabase } from '../platform/db/index.ts';
import type { Database, DatabaseConfig } from '../platform/db/index.ts';
import { createLogger } from '../platform/log.ts';

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
  const name = `parley_test_${randomBytes(6).toString('hex')}`;
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-test-'));
  if (server) await administer(server, `create database ${name}`);
  const config: DatabaseConfig = {
    dataDir,
    database: { ...(server ? { url: within(server, name) } : {}), replicaUrls: [] },
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
      if (server) await administer(server, `drop database ${name} with (force)`);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function within(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
