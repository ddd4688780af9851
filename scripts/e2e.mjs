/**
 * `npm run e2e [-- --require-browser] [part-of-a-path …]`: the browser run, e2e/*.e2e.ts in a real Chromium.
 * Without a browser it says so and exits 0, or non-zero with --require-browser. Ends with `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensure } from './ensure.mjs';
import { findChromium } from './lib/chromium.mjs';
import { filesBelow } from './lib/files.mjs';
import { buildFronts } from './lib/fronts.mjs';
import { inRoot, node24 } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { fromNodeTest, line, readReport, withCode } from './lib/totals.mjs';

const { values, positionals } = parseArgs({
  options: { 'require-browser': { type: 'boolean', default: false } },
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

const scratch = mkdtempSync(path.join(tmpdir(), 'parley-e2e-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const report = path.join(scratch, 'node.json');
const { code } = await run(
  node24(),
  [
    '--test',
    // One at a time: each file starts a whole Parley and a browser.
    '--test-concurrency=1',
    '--test-timeout=300000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${inRoot('scripts/lib/reporter.mjs')}`,
    `--test-reporter-destination=${report}`,
    ...files,
  ],
  { show: true, env: { CHROMIUM_PATH: chromium } },
);
const totals = withCode(fromNodeTest(readReport(report)), code);
console.log(`\nbrowser: ${chromium}`);
console.log(line(totals));
process.exitCode = totals.failed > 0 ? 1 : 0;
