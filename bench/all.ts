/**
 * `npm run bench -- all [--write]`: every benchmark, one after the other, embedded and, where DATABASE_URL and REDIS_URL
 * name servers, on them. With `--write` docs/performance.md is written from what they found.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { writePage } from './lib/page.ts';

const RUNS: [bench: string, profile: 'embedded' | 'cluster'][] = [
  ['memory', 'embedded'],
  ['receive', 'embedded'],
  ['receive', 'cluster'],
  ['turn', 'embedded'],
  ['turn', 'cluster'],
  ['fanout', 'embedded'],
  ['fanout', 'cluster'],
  ['queue-latency', 'embedded'],
  ['queue-latency', 'cluster'],
  ['limits', 'cluster'],
  ['retrieval', 'embedded'],
  ['retrieval', 'cluster'],
  ['soak', 'cluster'],
];

const hasServers = Boolean(process.env.DATABASE_URL && process.env.REDIS_URL);
const passed = process.argv.slice(2).filter((argument) => argument !== '--write');
const failed: string[] = [];
for (const [bench, profile] of RUNS) {
  if (profile === 'cluster' && !hasServers) continue;
  const file = fileURLToPath(new URL(`${bench}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, [...process.execArgv, file, `--${profile}`, ...passed], {
    stdio: 'inherit',
  });
  if (status !== 0) failed.push(`${bench} ${profile}`);
}
if (!hasServers) process.stdout.write('\nDATABASE_URL and REDIS_URL are not set: nothing ran on servers\n');
if (failed.length > 0) {
  process.stdout.write(`\nmissed a bar or failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
if (process.argv.includes('--write')) writePage();
