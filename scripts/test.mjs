/**
 * `npm test [-- part-of-a-path …]`: everything that needs no browser, on the embedded database, or on the server
 * named by TEST_DATABASE_URL. Sets up what is missing first and ends with `N passed, N failed`.
 */
import path from 'node:path';
import { ensure } from './ensure.mjs';
import { findChromium } from './lib/chromium.mjs';
import { filesBelow } from './lib/files.mjs';
import { buildFronts } from './lib/fronts.mjs';
import { inRoot, node24 } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runNodeTests } from './lib/node-tests.mjs';
import { makeScratch } from './lib/scratch.mjs';
import { fromVitest, line, readReport, sum, withCode } from './lib/totals.mjs';

await ensure();

const wanted = process.argv.slice(2);
/** @param {string} file */
const chosen = (file) => wanted.length === 0 || wanted.some((part) => file.includes(part));
const nodeFiles = ['server/src', 'packages', 'widget', 'scripts', 'bench', 'chaos', 'e2e']
  .flatMap((start) => filesBelow(start, (file) => /\.test\.(ts|mjs)$/.test(file)))
  .filter(chosen);
const vueFiles = filesBelow('dashboard', (file) => /\.(test|spec)\.ts$/.test(file)).filter(chosen);
if (nodeFiles.length + vueFiles.length === 0) {
  console.error(`No test file has ${wanted.join(' or ')} in its path.`);
  process.exit(2);
}

const built = await buildFronts();
const scratch = makeScratch();
const parts = built ? [] : [{ passed: 0, failed: 1, skipped: 0 }];

if (nodeFiles.length > 0) parts.push(...(await runNodeTests(nodeFiles, scratch)));

if (vueFiles.length > 0) {
  const report = path.join(scratch, 'vitest.json');
  const { code } = await run(
    node24(),
    [
      inRoot('node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...vueFiles.map((file) => path.posix.relative('dashboard', file)),
    ],
    { cwd: inRoot('dashboard'), show: true },
  );
  const counted = fromVitest(readReport(report));
  parts.push({ ...counted, ...withCode(counted, code) });
}

const skipped = parts.reduce((all, part) => all + part.skipped, 0);
const totals = sum(parts);
console.log();
console.log(`database: ${process.env.TEST_DATABASE_URL ? 'the server in TEST_DATABASE_URL' : 'embedded'}`);
if (skipped > 0) console.log(`${skipped} left out by the tests themselves`);
console.log(`browser run left out${findChromium() ? '' : ' (and no Chromium found)'}: npm run e2e`);
console.log(line(totals));
process.exitCode = totals.failed > 0 ? 1 : 0;
