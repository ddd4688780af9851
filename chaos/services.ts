import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export type Service = 'postgres' | 'redis';
export type Services = {
  databaseUrl: string;
  redisUrl: string;
  act(verb: 'kill' | 'start' | 'stop' | 'restart', service: Service): Promise<void>;
};

const DEFAULT = fileURLToPath(new URL('../../shared/services/services', import.meta.url));

/**
 * The servers under test, and the tool that kills and starts them: CHAOS_SERVICES, a program with the verbs `up`, `env`,
 * `kill|start|stop|restart postgres|redis`. Undefined where there is none.
 * @throws when DATABASE_URL or REDIS_URL is set and is not what the tool would kill
 */
export async function findServices(): Promise<Services | undefined> {
  const tool = process.env.CHAOS_SERVICES ?? DEFAULT;
  if (!existsSync(tool)) return undefined;
  const exports = await run(tool, ['up']);
  const told = (name: string): string => new RegExp(`^export ${name}=(.*)$`, 'm').exec(exports)?.[1] ?? '';
  const databaseUrl = told('DATABASE_URL');
  const redisUrl = told('REDIS_URL');
  for (const [name, own] of [
    ['DATABASE_URL', databaseUrl],
    ['REDIS_URL', redisUrl],
  ] as const) {
    const wanted = process.env[name];
    if (wanted && new URL(wanted).host !== new URL(own).host) {
      throw new Error(`${name} is at ${new URL(wanted).host}, but ${path.basename(tool)} has ${new URL(own).host}`);
    }
  }
  return { databaseUrl, redisUrl, act: async (verb, service) => void (await run(tool, [verb, service])) };
}

async function run(tool: string, args: string[]): Promise<string> {
  // A server it starts keeps the pipes open: the end of the tool is its exit, not theirs.
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('exit', (code) => setTimeout(() => resolve(code), 50));
  const code = await promise;
  child.stdout.destroy();
  if (code !== 0) throw new Error(`${path.basename(tool)} ${args.join(' ')} ended with ${code}`);
  return said;
}
