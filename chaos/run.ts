/**
 * The fault suite. Without an argument the short form; `--full`; `--full --write` writes docs/faults.md; `--broken=NAME` runs
 * a deliberately broken build, which must fail; `--prove` runs all of those and passes when each fails as it must.
 * `--seed=N` repeats a run's customers, `--scale=0.2` brings a fifth of them, `--fault='SIGSTOP of a worker'` plays that one.
 * CHAOS_REPORT names a file for everything the run has found out, as JSON; CHAOS_KEEP=1 keeps the logs.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { invariants } from './invariants.ts';
import { forms } from './plan.ts';
import type { Form } from './plan.ts';
import { tellRun, writePage } from './report.ts';
import type { Run } from './report.ts';
import { findServices } from './services.ts';
import type { Services } from './services.ts';
import { playSuite } from './suite.ts';

/** A build, the promises of which one at least must be found broken, and as much of the suite as that takes. */
const builds: Record<string, { finds: string[]; only: string[] }> = {
  lease: { finds: ['one voice', 'late writes refused'], only: ['SIGSTOP of a worker'] },
  outbox: { finds: ['facts with the state'], only: [] },
  wake: { finds: ['nothing is stuck'], only: [] },
};

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    prove: { type: 'boolean', default: false },
    broken: { type: 'string' },
    fault: { type: 'string', multiple: true },
    seed: { type: 'string' },
    scale: { type: 'string', default: '1' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function play(services: Services, form: Form, more: { broken?: string; only?: string[] }): Promise<Run> {
  const began = Date.now();
  say(`${form.name} form, seed ${seed}${more.broken ? `, with a broken build: ${more.broken}` : ''}`);
  const tell = (text: string): void => say(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);
  const evidence = await playSuite({ form, services, seed, tell, ...more });
  const judged = invariants.map((invariant) => ({ invariant, finding: invariant.judge(evidence) }));
  return { form, seconds: (Date.now() - began) / 1000, evidence, judged };
}

function chosenForm(): Form {
  const form = values.full ? forms.full : forms.short;
  const scaled = (count: number): number => Math.max(1, Math.round(count * Number(values.scale)));
  return {
    ...form,
    conversations: scaled(form.conversations),
    messages: scaled(form.messages),
    visitors: scaled(form.visitors),
  };
}

const focused: Form = { ...forms.short, messages: 250, loadMs: 18_000, settleMs: 45_000 };

async function playBroken(services: Services, broken: string): Promise<{ run: Run; found: string[] }> {
  const build = builds[broken];
  if (!build) throw new Error(`--broken takes one of ${Object.keys(builds).join(', ')}`);
  const run = await play(services, focused, { broken, only: build.only });
  const failing = run.judged.filter(({ finding }) => finding.wrong.length > 0).map(({ invariant }) => invariant.name);
  const found = build.finds.filter((name) => failing.includes(name));
  return { run, found };
}

const totals = (run: Run): { passed: number; failed: number } => {
  const failed = run.judged.filter(({ finding }) => finding.wrong.length > 0).length;
  return { passed: run.judged.length - failed, failed };
};

async function main(): Promise<{ passed: number; failed: number }> {
  const services = await findServices();
  if (!services) {
    say('There are no servers to kill here: CHAOS_SERVICES takes a program that starts and ends PostgreSQL and Redis.');
    return { passed: 0, failed: 1 };
  }
  if (values.prove) {
    const results: boolean[] = [];
    for (const broken of Object.keys(builds)) {
      const { run, found } = await playBroken(services, broken);
      for (const text of tellRun(run)) say(text);
      say(
        found.length > 0
          ? `\nok    the broken build ${broken} is found out by “${found.join('”, “')}”\n`
          : `\nFAIL  the broken build ${broken} is not found out\n`,
      );
      results.push(found.length > 0);
    }
    const failed = results.filter((found) => !found).length;
    return { passed: results.length - failed, failed };
  }
  const run = values.broken
    ? (await playBroken(services, values.broken)).run
    : await play(services, chosenForm(), values.fault ? { only: values.fault } : {});
  for (const text of tellRun(run)) say(text);
  // The page is of a whole full run.
  if (values.write && values.full && values.scale === '1' && !values.fault) {
    writeFileSync(fileURLToPath(new URL('../docs/faults.md', import.meta.url)), writePage(run, new Date()));
  }
  if (process.env.CHAOS_REPORT) writeFileSync(process.env.CHAOS_REPORT, JSON.stringify(run, null, 1));
  return totals(run);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const result = await main();
say(`\n${result.passed} passed, ${result.failed} failed`);
process.exit(result.failed > 0 ? 1 : 0);
