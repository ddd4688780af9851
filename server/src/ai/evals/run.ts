/**
 * Measures answers against golden sets on a fresh embedded database with the bundled model: no key, no network.
 * Usage: npm run eval -- answers [--set fastify] [--calibrate] [--verbose] [--write]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBundledEmbedder } from '../../knowledge/embed.ts';
import { openDatabase } from '../../platform/data/index.ts';
import { newId } from '../../platform/data/ids.ts';
import { createLogger } from '../../platform/telemetry/log.ts';
import { createStore } from '../../platform/data/tenant.ts';
import type { Features } from '../confidence.ts';
import { calibrate } from './calibrate.ts';
import { goldenNames, goldenSources, loadGolden } from './golden.ts';
import { askAll, ingestSet, scoresOf, type Outcome } from './measure.ts';
import { consoleTable, report } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    set: { type: 'string', multiple: true },
    calibrate: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

/** What can be measured; `set` is one of these. */
const evaluations = ['answers'];
refuseUnknown('evaluation', positionals.length > 0 ? positionals : [''], evaluations);
refuseUnknown('set', values.set ?? [], goldenNames());

/** A name that is not known runs nothing: who asked for it would read the numbers of another one. */
function refuseUnknown(kind: string, names: string[], known: string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const what = unknown === '' ? `Name an ${kind}` : `There is no ${kind} "${unknown}"`;
  process.stderr.write(`${what}. There are: ${known.join(', ')}.\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'parley-eval-'));
const database = await openDatabase(
  { dataDir: folder, database: { replicaUrls: [] } },
  createLogger({ level: 'error' }),
);
const store = createStore(database);
const embedder = createBundledEmbedder();
const print = (line: string) => process.stdout.write(`${line}\n`);

const runSet = async (name: string): Promise<Outcome[]> => {
  const set = loadGolden(name);
  const sources = goldenSources(set);
  const workspaceId = newId();
  await database.asOwner((client) =>
    client.query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, set.name]),
  );
  const started = performance.now();
  const base = await ingestSet(store, embedder, workspaceId, sources, () => undefined);
  print(`${name}: ${sources.length} sources ingested in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return askAll(store, embedder, workspaceId, set, base);
};

const explain = ({ item, answer, hitAt, supported }: Outcome): string => {
  const said = answer.haveEnoughInformation ? answer.text.replace(/\s+/g, ' ').slice(0, 240) : '(declined)';
  return `${item.id} ${item.split} hit@${hitAt || '-'} ${supported ? 'supported' : ''} p=${answer.confidence.toFixed(2)} ${item.question}\n    ${said}`;
};

try {
  const sets = new Map<string, Outcome[]>();
  for (const name of values.set ?? goldenNames()) sets.set(name, await runSet(name));
  for (const [name, outcomes] of sets) {
    if (values.verbose) {
      for (const outcome of outcomes) {
        const good = outcome.item.expect ? outcome.supported : !outcome.answer.haveEnoughInformation;
        // Held-out questions are counted, not looked at: whoever tunes the answers must not see them.
        if (!good && outcome.item.split === 'train') print(explain(outcome));
      }
    }
    print(consoleTable(name, outcomes));
  }
  if (values.calibrate) {
    const names: (keyof Features)[] = [
      'vector',
      'passageVector',
      'passageText',
      'sentence',
      'sentenceCoverage',
      'unknown',
      'faqVector',
      'faqSentence',
    ];
    print(JSON.stringify(calibrate([...sets.values()].flat(), names)));
  }
  if (values.write) {
    const file = join(import.meta.dirname, '../../../../docs/quality.md');
    writeFileSync(file, report(sets, new Date()));
    print(`written: docs/quality.md`);
  }
  const tested = [...sets.values()].flat().filter(({ item }) => item.split === 'test');
  const { hitAt5, supported, declined, falseDeclines } = scoresOf(tested);
  if (hitAt5 < 0.85 || supported < 0.8 || declined < 0.85 || falseDeclines > 0.2) {
    print('Below the bars on the held-out half.');
    process.exitCode = 1;
  }
} finally {
  await embedder.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
}
