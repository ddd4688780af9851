/**
 * What a benchmark found: a line for people as soon as a figure is known, and one JSON line per figure in bench/out,
 * from which docs/performance.md is composed. A figure that misses its bar makes the run exit with 1.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profile } from './profile.ts';
import { line } from './stats.ts';

/** `--quick`: a tenth of the time, to see that a benchmark works. Its figures are not kept. */
export const isQuick = process.argv.includes('--quick');
/** Less of what takes time, in a quick run. */
export const some = (much: number): number => (isQuick ? Math.max(1, Math.round(much / 10)) : much);

export const OUT = fileURLToPath(new URL('../out', import.meta.url));

export type Bar = { atLeast: number } | { atMost: number };
export type Figure = { figure: string; value: number; unit: string; bar?: Bar; met?: boolean; note?: string };
export type Table = { table: string; header: string[]; rows: string[][] };
export type Machine = Record<string, string>;
export type RunHead = {
  bench: string;
  profile: string;
  command: string;
  startedAt: string;
  /** of the working copy, with a plus when it holds changes */
  commit: string;
  seconds: number;
  machine: Machine;
};

const digits = (value: number): string => value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
export const shown = (value: number, unit: string): string =>
  unit === 'MB' || unit === '' || unit === '×' ? digits(value) + (unit ? ` ${unit}` : '') : `${digits(value)} ${unit}`;
export const shownBar = (bar: Bar, unit: string): string =>
  'atLeast' in bar ? `≥ ${shown(bar.atLeast, unit)}` : `≤ ${shown(bar.atMost, unit)}`;

export function openReport(profile: Profile) {
  const bench = basename(process.argv[1] ?? '', '.ts');
  const startedAt = new Date();
  const figures: (Figure | Table)[] = [];
  process.stdout.write(`\n${bench}, ${profile.name} profile\n`);

  function figure(name: string, value: number, unit: string, more: { bar?: Bar; note?: string } = {}): void {
    const { bar, note } = more;
    const met = bar && ('atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost);
    figures.push({ figure: name, value, unit, bar, met, note });
    const verdict = bar ? ` (bar ${shownBar(bar, unit)}: ${met ? 'met' : 'MISSED'})` : '';
    line(name, shown(value, unit) + verdict + (note ? `; ${note}` : ''));
    if (met === false) process.exitCode = 1;
  }

  return {
    figure,
    /** For the page; what it says to people was said while it came about. */
    table: (table: string, header: string[], rows: string[][]): void => void figures.push({ table, header, rows }),
    /** Writes the run down; called when all of it is known. */
    async close(): Promise<void> {
      if (isQuick) return;
      const head: RunHead = {
        bench,
        profile: profile.name,
        command: `npm run bench -- ${bench} --${profile.name}`,
        startedAt: startedAt.toISOString(),
        commit: describeCommit(),
        seconds: Math.round((Date.now() - startedAt.getTime()) / 1_000),
        machine: await describeMachine(profile),
      };
      mkdirSync(OUT, { recursive: true });
      const lines = [head, ...figures].map((entry) => JSON.stringify(entry));
      writeFileSync(join(OUT, `${bench}-${profile.name}.jsonl`), `${lines.join('\n')}\n`);
    },
  };
}
export type Report = Awaited<ReturnType<typeof openReport>>;

function describeCommit(): string {
  const git = (...args: string[]): string =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).stdout?.trim() ?? '';
  const commit = git('rev-parse', '--short', 'HEAD');
  return commit ? commit + (git('status', '--porcelain', '-uno', '--', ':/server') ? '+' : '') : 'no commit';
}

/** What the figures depend on; nothing that names the machine. */
async function describeMachine(profile: Profile): Promise<Machine> {
  const processors = cpus();
  const machine: Machine = {
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 1024 ** 3).toFixed(0)} GB`,
    node: process.version,
  };
  if (profile.name === 'embedded') return machine;
  const { rows } = await profile.client.query<{ version: string; commit: string }>(
    `select current_setting('server_version') as version, current_setting('synchronous_commit') || ', fsync ' || current_setting('fsync') as commit`,
  );
  const { Redis } = await import('ioredis');
  const redis = new Redis(profile.redisUrl);
  const info = await redis.info('server');
  redis.disconnect();
  const of = (name: string): string | undefined => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
  const valkey = of('valkey_version');
  return {
    ...machine,
    postgresql: `${rows[0]?.version.split(' ')[0]} (synchronous_commit ${rows[0]?.commit})`,
    redis: valkey ? `Valkey ${valkey}` : `Redis ${of('redis_version')}`,
  };
}
