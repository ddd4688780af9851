/** docs/performance.md, composed of what the benchmarks wrote down in bench/out: nothing in it is typed by hand. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OUT, shown, shownBar } from './report.ts';
import type { Figure, RunHead, Table } from './report.ts';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const ORDER = ['receive', 'turn', 'fanout', 'queue-latency', 'limits', 'retrieval', 'soak', 'memory'];

const INTRODUCTION = `# Performance

Written by \`npm run bench -- all --write\` from the runs below; run it on your own machine. Load, doubles of the platform
and of the model, and the bare baselines are processes of their own on the same machine as the product and its servers,
so they share its processors. What is compared with a baseline was timed in the same run, in turns with it. A line without
a bar is there for orientation.

The cluster profile takes the addresses of a PostgreSQL and a Redis; each run makes a database of its own and removes it:

\`\`\`sh
npm run bench -- all --write                                        # embedded alone
DATABASE_URL=postgres://… REDIS_URL=redis://… npm run bench -- all --write   # both profiles
DATABASE_URL=… REDIS_URL=… npm run bench -- turn --cluster                   # one of them again
npm run bench -- page                                               # this page, from the runs that are kept
\`\`\`
`;

type Run = { head: RunHead; figures: Figure[]; tables: Table[] };

function readRun(file: string): Run {
  const [head, ...rest] = readFileSync(join(OUT, file), 'utf8').trim().split('\n');
  const entries = rest.map((text) => JSON.parse(text) as Figure | Table);
  return {
    head: JSON.parse(head ?? '{}') as RunHead,
    figures: entries.filter((entry): entry is Figure => 'figure' in entry),
    tables: entries.filter((entry): entry is Table => 'table' in entry),
  };
}

const row = (cells: string[]): string => `| ${cells.map((cell) => cell.trim().replaceAll('|', '\\|')).join(' | ')} |`;
const table = (header: string[], rows: string[][]): string =>
  [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n');

function section({ head, figures, tables }: Run): string {
  const rows = figures.map(({ figure, value, unit, bar, met, note }) => [
    figure + (note ? ` (${note})` : ''),
    shown(value, unit),
    bar ? shownBar(bar, unit) : '',
    bar ? (met ? 'met' : '**missed**') : '',
  ]);
  return [
    `## ${head.bench}, ${head.profile}`,
    `\`${head.command}\`, ${head.startedAt.slice(0, 10)}, ${head.seconds} s, at ${head.commit}`,
    table(['figure', 'value', 'bar', ''], rows),
    ...tables.flatMap((each) => [`${each.table}:`, table(each.header, each.rows)]),
  ].join('\n\n');
}

/** @throws when no run is kept */
export function writePage(): { missed: number } {
  const place = (name: string): number => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);
  const runs = readdirSync(OUT)
    .filter((file) => file.endsWith('.jsonl'))
    .map(readRun)
    .toSorted((a, b) => place(a.head.bench) - place(b.head.bench) || a.head.profile.localeCompare(b.head.profile));
  if (runs.length === 0) throw new Error('no run is kept in bench/out');
  const machine = Object.assign({}, ...runs.map(({ head }) => head.machine)) as Record<string, string>;
  const bars = runs.flatMap(({ figures }) => figures.filter(({ bar }) => bar));
  const missed = bars.filter(({ met }) => !met);
  const text = [
    INTRODUCTION.trim(),
    '## Machine',
    table(['part', 'is'], Object.entries(machine)),
    `${bars.length - missed.length} of ${bars.length} bars are met.`,
    ...runs.map(section),
  ].join('\n\n');
  writeFileSync(PAGE, `${text}\n`);
  return { missed: missed.length };
}
