import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** What the product refuses to start without on servers. */
export const SECRETS = {
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
  JWT_SECRET: 'a secret of tests that is long enough to sign',
};

export type OwnDatabase = { url: string; drop(): Promise<void> };

/** A fresh, empty database of its own on the server at this address. `purpose` is part of its name. */
export async function createDatabase(server: string, purpose: string): Promise<OwnDatabase> {
  const name = `parley_${purpose}_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(server, `drop database if exists ${name} with (force)`) };
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
