/**
 * `npm run e2e [-- --require-browser] [--pictures] [part-of-a-path …]`: the browser run, e2e/*.e2e.ts in a real Chromium;
 * with --pictures it leaves a picture of every screen in e2e/out.
 * Without a browser it says so and exits 0, or non-zero with --require-browser. Ends with `N passed, N failed`.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ensure } from './ensure.mjs';
import { findChromium } from './lib/chromium.mjs';
import { filesBelow } from './lib/files.mjs';
import { buildFronts } from './lib/fronts.mjs';
import { inRoot } from './lib/paths.mjs';
import { runNodeTests } from './lib/node-tests.mjs';
import { makeScratch } from './lib/scratch.mjs';
import { line, sum } from './lib/totals.mjs';

const { values, positionals } = parseArgs({
  options: { 'require-browser': { type: 'boolean', default: false }, pictures: { type: 'boolean', default: false } },
  allowPositionals: true,
});

await ensure();

const chromium = findChromium();
if (!chromium) {
  console.log(
    'browser run left out: no Chromium. Install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
  );
  console.log(line({ passed: 0, failed: values['require-browser'] ? 1 : 0 }));
  process.exit(values['require-browser'] ? 1 : 0);
}

const files = filesBelow('e2e', (file) => file.endsWith('.e2e.ts')).filter(
  (file) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
);
if (files.length === 0 || !(await buildFronts())) {
  if (files.length === 0) console.error('There is no such e2e/*.e2e.ts.');
  console.log(line({ passed: 0, failed: 1 }));
  process.exit(1);
}

// Pictures of an earlier run would pass for this one's.
rmSync(inRoot('e2e/out'), { recursive: true, force: true });

// Two at a time: each file starts a whole Parley and a browser, and waits for one of them most of the time.
const parts = await runNodeTests(files, makeScratch(), {
  alone: true,
  processes: 2,
  timeoutMs: 300_000,
  env: { CHROMIUM_PATH: chromium, E2E_PICTURES: values.pictures ? '1' : '' },
});
const totals = sum(parts);
console.log(`\nbrowser: ${chromium}`);
console.log(line(totals));
process.exitCode = totals.failed > 0 ? 1 : 0;
