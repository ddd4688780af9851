import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from './process.ts';

const run = promisify(execFile);

export type ReplicatedServer = {
  primaryUrl: string;
  replicaUrl: string;
  /** Ends the replica at once, as a crash does. */
  killReplica(): Promise<void>;
  startReplica(): Promise<void>;
  /** Ends the standing-by: the replica takes writes of its own from now on. */
  promoteReplica(): Promise<void>;
  close(): Promise<void>;
};

type Programs = { bin: string; root: string };

/** The programs of the server at this address, when it runs on this machine, maybe inside another root. */
async function findPrograms(url: string): Promise<Programs | string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ super: boolean; bin: string; pid: string }>(
      `select usesuper as super, (select setting from pg_config where name = 'BINDIR') as bin,
         split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid from pg_user where usename = current_user`,
    );
    const [found] = rows;
    if (!found?.super) return 'TEST_DATABASE_URL is not a superuser';
    const process = `/proc/${found.pid}/root`;
    const root = existsSync(process) ? readlinkSync(process) : '/';
    if (!existsSync(`${root}${found.bin}/pg_basebackup`)) return 'the programs of PostgreSQL are not on this machine';
    return { bin: found.bin, root };
  } finally {
    await client.end();
  }
}

/**
 * A PostgreSQL of its own with a streaming replica of its own, beside the server of TEST_DATABASE_URL and made with its
 * programs. A text that says why not where that cannot be.
 */
export async function startReplicatedServer(testUrl: string): Promise<ReplicatedServer | string> {
  const programs = await findPrograms(testUrl).catch((error: unknown) => String(error));
  if (typeof programs === 'string') return programs;
  if (process.getuid?.() !== 0) return 'only root may start a PostgreSQL as its user';
  const { bin, root } = programs;
  const folder = `/tmp/parley-replicated-${randomBytes(6).toString('hex')}`;
  const [primary, replica] = [`${folder}/primary`, `${folder}/replica`];
  const [primaryPort, replicaPort] = [await freePort(), await freePort()];
  const inRoot = (...command: string[]) => run('chroot', [root, ...command], { maxBuffer: 1e7 });
  const asUser = (program: string, ...options: string[]) =>
    inRoot('setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--', `${bin}/${program}`, ...options);
  const start = (data: string, port: number) =>
    asUser(
      'pg_ctl',
      '-D',
      data,
      '-l',
      `${data}.log`,
      '-w',
      '-t',
      '30',
      'start',
      '-o',
      `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c shared_buffers=32MB`,
    );
  const stop = (data: string) => asUser('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
  const at = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`;

  async function close(): Promise<void> {
    // One that does not run, as a test may leave it, cannot be stopped.
    for (const data of [replica, primary]) await stop(data).catch(() => undefined);
    await inRoot('rm', '-rf', folder);
  }

  try {
    await inRoot('install', '-d', '-o', 'postgres', '-m', '700', folder);
    await asUser('initdb', '-D', primary, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N');
    await start(primary, primaryPort);
    await asUser(
      'pg_basebackup',
      '-h',
      '127.0.0.1',
      '-p',
      String(primaryPort),
      '-U',
      'postgres',
      '-D',
      replica,
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '--no-sync',
    );
    await start(replica, replicaPort);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    primaryUrl: at(primaryPort),
    replicaUrl: at(replicaPort),
    killReplica: async () => void (await stop(replica)),
    startReplica: async () => void (await start(replica, replicaPort)),
    promoteReplica: async () => void (await asUser('pg_ctl', '-D', replica, '-w', 'promote')),
    close,
  };
}
