import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { findDangling } from './db/references.ts';
import { makeResetLink } from './features/sessions/reset-link.ts';
import { changePlan } from './features/workspaces/commands.ts';
import { listWorkspaceIds } from './features/workspaces/queries.ts';
import { ConfigError } from './platform/config/define.ts';
import { createKeyring } from './platform/security/crypto.ts';
import { FolderInUseError, MigrationError, openDatabase } from './platform/data/index.ts';
import type { Database } from './platform/data/index.ts';
import { readInstallation } from './platform/data/installation.ts';
import { AppError } from './platform/errors.ts';
import { connectNotifier } from './platform/cluster/connect.ts';
import { createLogger } from './platform/telemetry/log.ts';
import { migratePlacements } from './placement/migrate-placements.ts';
import { createMover, MoveError } from './placement/move.ts';
import type { Mover } from './placement/move.ts';
import { PLACEMENT_CHANGED } from './placement/registry.ts';
import { redisNamespace } from './platform/cluster/redis.ts';
import { createStore } from './platform/data/tenant.ts';
import { createWake } from './platform/cluster/wake.ts';
import { readConfig } from './settings.ts';

/** What an operator does beside the running product, `npm run parley -- …`. */
const USAGE = `parley workspace placements                        where workspaces live that do not share tables
parley workspace move ID --to shared|schema        moves a workspace, or goes on with a move that was interrupted
parley workspace move ID --to database --url URL   moves it into a database of its own (postgres://…); with --url - the
                                                   address is read from the standard input, where no list of
                                                   processes shows its password
parley workspace move ID --back                    moves it to where it was before, with what was written since
parley workspace move ID --undo                    gives up a move that was interrupted
parley workspace move ID --finish                  forgets the rows at the place before; there is no --back then
parley workspace plan ID NAME                      its plan: "free", or any other, with the limit of paid ones
parley person reset-link EMAIL                     a link for a new password, good for 30 minutes, to pass on by hand
parley doctor                                      what in any workspace still points at something that was deleted
parley migrate --contract                          the last step of an upgrade, when no process of the version before runs`;

class UsageError extends Error {}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Options = { to?: string; url?: string; back?: boolean; undo?: boolean; finish?: boolean; contract?: boolean };

function read(args: string[]): { words: string[]; options: Options } {
  try {
    const flag = { type: 'boolean' } as const;
    const options = {
      to: { type: 'string' },
      url: { type: 'string' },
      back: flag,
      undo: flag,
      finish: flag,
      contract: flag,
    } as const;
    const { positionals, values } = parseArgs({ args, options, allowPositionals: true, strict: true });
    return { words: positionals, options: values };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function list(mover: Mover): Promise<void> {
  const rows = await mover.list();
  if (rows.length === 0) say('all workspaces live in the shared tables');
  for (const { workspace, kind, schema_name: schema, target, step, kept } of rows) {
    const where = kind === 'schema' ? `schema ${schema}` : kind;
    const moving = target ? `, moving to ${target} (${step})` : '';
    say(`${workspace}  ${where}${moving}${kept ? `, rows of before are kept in ${kept}` : ''}`);
  }
}

async function move(mover: Mover, workspaceId: string, options: Options): Promise<void> {
  const { to, back, undo, finish } = options;
  const url = options.url === '-' ? (await text(process.stdin)).trim() : options.url;
  if ([to, back, undo, finish].filter(Boolean).length !== 1)
    throw new UsageError('move takes one of --to, --back, --undo, --finish');
  if (undo) {
    await mover.undo(workspaceId);
    return say('undone: the workspace is where it was');
  }
  if (finish) {
    await mover.finish(workspaceId);
    return say('finished: the rows at the place before are gone');
  }
  const target = back ? await mover.keptAt(workspaceId) : to;
  if (!target) throw new MoveError('there is nothing to go back to: no rows of an earlier place are kept');
  if (target !== 'shared' && target !== 'schema' && target !== 'database')
    throw new UsageError('--to takes shared, schema or database');
  if (url !== undefined && (target !== 'database' || !URL.canParse(url) || !/^postgres(ql)?:\/\//.test(url)))
    throw new UsageError('--url takes postgres://…, with --to database');
  const { tables } = await mover.move(workspaceId, target, url);
  for (const { name, rows, checksum } of tables) if (rows > 0) say(`  ${name}: ${rows} rows, ${checksum}`);
  say(`${workspaceId} lives in ${target} now; --back goes back, --finish forgets the old rows`);
}

/** Looks through the shared tables and counts what it finds. */
async function examine(database: Database): Promise<void> {
  const store = createStore(database);
  const workspaces = await store.asSystem(listWorkspaceIds);
  let sum = 0;
  for (const id of workspaces) {
    for (const { table, column, count, example } of await store.inWorkspace(id, findDangling)) {
      sum += count;
      say(
        `workspace ${id}: ${count} rows of ${table} name something that is gone in ${column}, for example ${example}`,
      );
    }
  }
  say(`${workspaces.length} workspaces: ${sum === 0 ? 'nothing points at what was deleted' : `${sum} rows do`}`);
  if (sum > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  const { words, options } = read(process.argv.slice(2));
  const [noun, verb, workspaceId, plan] = words;
  const command = [noun, verb].filter(Boolean).join(' ');
  const known = ['workspace placements', 'workspace move', 'workspace plan', 'person reset-link', 'migrate', 'doctor'];
  if (!known.includes(command) || (command === 'migrate' && !options.contract))
    throw new UsageError('what should be done?');
  if (['move', 'plan'].includes(verb ?? '') && !/^[0-9a-f-]{36}$/.test(workspaceId ?? ''))
    throw new UsageError(`${verb} takes the id of a workspace, in lower case`);
  if (verb === 'plan' && !/^[a-z][a-z0-9-]{0,39}$/.test(plan ?? ''))
    throw new UsageError('a plan has a name of small letters, digits and dashes');

  if (verb === 'reset-link' && !workspaceId?.includes('@'))
    throw new UsageError('reset-link takes the e-mail address of an account');

  const config = readConfig(process.env);
  const log = createLogger({ ...config.log, level: 'warn' });
  const contract = command === 'migrate';
  const database = await openDatabase(config, log, undefined, { contract });
  try {
    const keyring = createKeyring(config);
    const away = (workspaceId: string): void => say(`the database of workspace ${workspaceId} is away: it is left out`);
    await migratePlacements(database, contract ? { keyring, contract } : { keyring, away });
    if (verb === 'reset-link') {
      const link = await createStore(database).asSystem((tx) => makeResetLink(tx, workspaceId ?? '', config.publicUrl));
      return say(link);
    }
    if (verb === 'plan') {
      await createStore(database).asSystem((tx) => changePlan(tx, workspaceId ?? '', plan ?? ''));
      return say(`${workspaceId} is on the plan ${plan} now`);
    }
    if (noun === 'doctor') return await examine(database);
    if (contract) return say('every placement is at this version, and nothing of the version before is left');
    const wake = createWake();
    const topics = { work: [], broadcast: [PLACEMENT_CHANGED] };
    const redis = redisNamespace(config.redis.url, await readInstallation(database));
    const notifier = connectNotifier({ redis, database, wake, log, topics });
    notifier?.start();
    try {
      // The other processes are told; whoever does not hear it is refused by the tables, and looks.
      const announce = async (id: string): Promise<void> => wake.wake(PLACEMENT_CHANGED, id);
      const mover = createMover({ database, keyring, announce, say });
      await (command === 'workspace move' ? move(mover, workspaceId ?? '', options) : list(mover));
    } finally {
      await notifier?.close();
    }
  } finally {
    await database.close();
  }
}

main().catch((error: unknown) => {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  else if (error instanceof FolderInUseError)
    process.stderr.write(
      'Parley runs on this folder. The embedded database belongs to one process: stop Parley first.\n',
    );
  else if (
    error instanceof AppError ||
    error instanceof MoveError ||
    error instanceof ConfigError ||
    error instanceof MigrationError
  )
    process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
