import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { copyServerTemplate } from './template.ts';

/** What the product refuses to start without on servers. */
export const SECRETS = {
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
  JWT_SECRET: 'a secret of tests that is long enough to sign',
};

export type OwnDatabase = { url: string; drop(): Promise<void> };

/** A fresh, empty database of its own on the server at this address. `purpose` is part of its name. */
export async function createDatabase(server: string, purpose: string): Promise<OwnDatabase> {
  return create(server, purpose, (client, name) => client.query(`create database ${name}`));
}

/** The same, migrated. */
export async function createMigratedDatabase(server: string, purpose: string): Promise<OwnDatabase> {
  return create(server, purpose, (client, name) => copyServerTemplate(client, server, name));
}

async function create(
  server: string,
  purpose: string,
  make: (client: Client, name: string) => Promise<unknown>,
): Promise<OwnDatabase> {
  const name = `parley_${purpose}_${randomBytes(6).toString('hex')}`;
  await administer(server, (client) => make(client, name));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => administer(server, (client) => client.query(`drop database if exists ${name} with (force)`)),
  };
}

async function administer(server: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
