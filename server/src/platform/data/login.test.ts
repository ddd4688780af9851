import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { createDatabase } from '../../test/servers.ts';
import type { OwnDatabase } from '../../test/servers.ts';
import { ConfigError } from '../config/define.ts';
import { createLogger } from '../telemetry/log.ts';
import { openDatabase } from './index.ts';
import { loginOf, scramVerifier } from './login.ts';

const server = process.env.TEST_DATABASE_URL;
const secretsOf = (key: Buffer) => ({ secrets: { encryptionKeys: [{ id: 'k1', key }], jwtSecret: '' } });

it('a login is the same under the same key, and says nothing of it', () => {
  const key = randomBytes(32);
  assert.deepEqual(loginOf({ id: 'a', key }), loginOf({ id: 'b', key }));
  assert.notEqual(loginOf({ id: 'a', key }).user, loginOf({ id: 'a', key: randomBytes(32) }).user);
  // As PostgreSQL 17 keeps it.
  assert.equal(
    scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

describe('the login of tenant work on a server', { skip: server === undefined && 'needs TEST_DATABASE_URL' }, () => {
  let own: OwnDatabase;
  const lines: string[] = [];
  const log = createLogger({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const made: string[] = [];
  const key = randomBytes(32);

  const administer = async (text: string, url = own.url): Promise<Record<string, unknown>[]> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };
  const as = (user: string, password: string, url = own.url): string => {
    const address = new URL(url);
    address.username = user;
    address.password = password;
    return address.href;
  };
  const open = (config: { url?: string; appUrl?: string; key?: Buffer } = {}) => {
    const { url = own.url, appUrl, key: other = key } = config;
    const database = { url, replicaUrls: [], ...(appUrl ? { appUrl } : {}) };
    return openDatabase({ dataDir: '', database, ...secretsOf(other) }, log);
  };
  const whoIs = async (database: Awaited<ReturnType<typeof open>>) => {
    const { rows } = await database.pool.query<{ me: string; login: string }>(
      'select current_user as me, session_user as login',
    );
    return rows[0];
  };

  before(async () => {
    own = await createDatabase(server ?? '', 'login');
    made.push(loginOf({ id: 'k1', key }).user);
  });
  after(async () => {
    await own.drop();
    for (const user of made) await administer(`drop role if exists "${user}"`, server);
  });

  it('is none that may become the owner', async () => {
    const database = await open();
    try {
      assert.deepEqual(await whoIs(database), { me: 'parley_app', login: loginOf({ id: 'k1', key }).user });
      const client = await database.pool.connect();
      await client.query('set role none');
      await assert.rejects(client.query('select * from users'), /permission denied/);
      await assert.rejects(client.query('select * from messages'), /permission denied/);
      await assert.rejects(client.query('create table public.mine (id int)'), /permission denied/);
      await assert.rejects(client.query('set role postgres'), /permission denied/);
      client.release(true);
    } finally {
      await database.close();
    }
  });

  it('is made once by many that start together, each on its own database, and is there at the next start', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => createDatabase(server ?? '', 'login')));
    const shared = randomBytes(32);
    const { user } = loginOf({ id: 'k1', key: shared });
    made.push(user);
    const databases = await Promise.all(
      others.flatMap(({ url }) => [open({ url, key: shared }), open({ url, key: shared })]),
    );
    for (const database of databases) assert.equal((await whoIs(database))?.login, user);
    await Promise.all(databases.map((database) => database.close()));
    await Promise.all(others.map((one) => one.drop()));
  });

  it('is that of DATABASE_APP_URL, if it can do the work and no more', async () => {
    const users = ['plain', 'mighty'].map((name) => `parley_${name}_${randomBytes(4).toString('hex')}`);
    made.push(...users);
    const [plain = '', mighty = ''] = users;
    await administer(`create role ${plain} login password 'p@ss/word'; create role ${mighty} login superuser`);
    const database = await open({ appUrl: as(plain, 'p@ss/word') });
    assert.deepEqual(await whoIs(database), { me: 'parley_app', login: plain });
    await database.close();
    for (const appUrl of [as(mighty, ''), own.url, as('nobody_at_all', 'x')])
      await assert.rejects(
        open({ appUrl }),
        (error) => error instanceof ConfigError && error.variable === 'DATABASE_APP_URL' && !/p@ss/.test(error.message),
      );
  });

  it('is the owner’s, with a line in the log, where the owner may make none', async () => {
    const owner = `parley_owner_${randomBytes(4).toString('hex')}`;
    const other = await createDatabase(server ?? '', 'login');
    const name = new URL(other.url).pathname.slice(1);
    await administer(`create role ${owner} login; alter database ${name} owner to ${owner}`, other.url);
    await administer(
      `create extension if not exists vector; create extension if not exists pg_trgm; create extension if not exists unaccent;
       alter schema public owner to ${owner}; grant parley_app, parley_system to ${owner}`,
      other.url,
    );
    lines.length = 0;
    const database = await open({ url: as(owner, '', other.url), key: randomBytes(32) });
    assert.deepEqual(await whoIs(database), { me: 'parley_app', login: owner });
    assert.equal(lines.filter((line) => line.includes('DATABASE_APP_URL')).length, 1, lines.join());
    await database.close();
    await other.drop();
    await administer(`drop role ${owner}`, server);
  });
});
