import { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import type { EncryptionKey } from '../config/secrets.ts';

/** Who the product's statements log in as. It owns nothing and may do what parley_app and parley_system may. */
export type Login = { user: string; password: string | undefined };

const ROLES = ['parley_app', 'parley_system'];
const ITERATIONS = 4_096;
const TRIES = 8;
/** Other databases of the server change the same roles at the same time: unique, duplicate, updated concurrently. */
const AGAIN = new Set(['23505', '42710', 'XX000']);

/**
 * Name and password from the first encryption key alone, so that every process and every database under the same key has
 * the same login, and those under another key, on the same server, another one.
 */
export function loginOf({ key }: EncryptionKey): Login {
  const made = Buffer.from(hkdfSync('sha256', key, '', 'parley.v1 database login', 38));
  return {
    user: `parley_login_${made.subarray(0, 6).toString('hex')}`,
    password: made.subarray(6).toString('base64url'),
  };
}

/** What the server keeps of a password. Sent in place of it, since statements may be logged there. */
export function scramVerifier(password: string, salt = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}

/**
 * Makes the login if it is missing and gives it the two roles, which it has to take on: it has none of their rights by
 * itself. `reset` gives it its password again.
 *
 * @throws when the owner may not make roles
 */
export async function ensureLogin(owner: Client, { user, password }: Login, { reset = false } = {}): Promise<void> {
  await patiently(async () => {
    const { rows } = await owner.query('select from pg_roles where rolname = $1', [user]);
    const verb = rows.length === 0 ? 'create' : 'alter';
    if (password !== undefined && (reset || verb === 'create'))
      await owner.query(`${verb} role ${name(user)} login noinherit password '${scramVerifier(password)}'`);
  });
  await grantRoles(owner, user);
  const { rows } = await owner.query<{ may: boolean; database: string }>(
    `select has_database_privilege($1, current_database(), 'CONNECT') as may, current_database() as database`,
    [user],
  );
  if (rows[0] && !rows[0].may)
    await owner.query(`grant connect on database ${name(rows[0].database)} to ${name(user)}`);
}

/** @throws when the owner may not grant them */
export async function grantRoles(owner: Client, user: string): Promise<void> {
  for (const role of ROLES)
    await patiently(async () => {
      const { rows } = await owner.query<{ has: boolean }>(`select pg_has_role($1, $2, 'SET') as has`, [user, role]);
      if (!rows[0]?.has) await owner.query(`grant ${role} to ${name(user)} with inherit false, set true`);
    });
}

/** One connection as the product makes them. @throws when it may not log in, or may do too much or too little */
export async function tryLogin(config: ClientConfig): Promise<void> {
  const client = new Client(config);
  // A connection lost between two statements fails the next one, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ mighty: boolean; owns: boolean }>(`
      select rolsuper or rolbypassrls as mighty,
        exists (select from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
          and pg_has_role(session_user, relowner, 'MEMBER')) as owns
      from pg_roles where rolname = session_user`);
    if (rows[0]?.mighty) throw new Error('its user can bypass row-level security and must not');
    if (rows[0]?.owns) throw new Error('its user owns tables and must not');
    await client.query('begin; set local role parley_system; rollback');
  } finally {
    await client.end();
  }
}

async function patiently(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (tries >= TRIES || !AGAIN.has(code)) throw error;
      await sleep(tries * 20 * (0.5 + Math.random()));
    }
  }
}

const name = (user: string): string => `"${user.replaceAll('"', '""')}"`;
