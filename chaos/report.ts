import { doublesOf } from './invariants.ts';
import type { Finding, Invariant } from './invariants.ts';
import type { Evidence } from './evidence.ts';
import { faults } from './faults.ts';
import type { Form } from './plan.ts';

export type Judged = { invariant: Invariant; finding: Finding };
export type Run = { form: Form; seconds: number; evidence: Evidence; judged: Judged[] };

const SHOWN = 8;

/** What the run says on the terminal. */
export function tellRun({ judged, evidence }: Run): string[] {
  const width = Math.max(...judged.map(({ invariant }) => invariant.name.length));
  return [
    '',
    ...figures(evidence).map(([name, value]) => `${name}: ${value}`),
    '',
    ...judged.flatMap(({ invariant, finding }) => [
      `${finding.wrong.length === 0 ? 'ok  ' : 'FAIL'}  ${invariant.name.padEnd(width)}  ${finding.counted} ${finding.of}`,
      ...finding.wrong.slice(0, SHOWN).map((line) => `      ${line}`),
      ...(finding.wrong.length > SHOWN ? [`      … and ${finding.wrong.length - SHOWN} more`] : []),
    ]),
  ];
}

export function figures(evidence: Evidence): [string, string][] {
  const { peer, said } = evidence;
  const answers = said.flatMap((one) => one.answers);
  const count = (list: Record<string, number>): string =>
    Object.entries(list)
      .map(([name, times]) => `${times} × ${name}`)
      .join(', ') || 'none';
  const waited = said.flatMap((one) => (one.acceptedAt === undefined ? [] : [one.acceptedAt - one.sentAt]));
  const sorted = waited.toSorted((a, b) => a - b);
  return [
    ['conversations', String(evidence.conversations.length)],
    [
      'messages of customers',
      `${said.length} on Telegram, ${evidence.visitors.flatMap((one) => one.accepted).length} on the web`,
    ],
    [
      'webhooks posted',
      `${answers.length}; ${answers.filter((one) => one === 200).length} answered 200, ${answers.filter((one) => one > 200).length} refused for now, ${answers.filter((one) => one === 0).length} without an answer`,
    ],
    [
      'until accepted, ms',
      `p50 ${sorted[Math.floor(sorted.length / 2)] ?? 0}, p99 ${sorted[Math.floor(sorted.length * 0.99)] ?? 0}, longest ${sorted.at(-1) ?? 0}`,
    ],
    [
      'messages heard on Telegram',
      `${peer.messages.length}, ${doublesOf(evidence).length} of them for the second time`,
    ],
    ['sends refused by Telegram', count(peer.refused)],
    ['requests to the model', `${peer.modelRequests}; misbehaved: ${count(peer.modelFaults)}`],
    ['handoffs', String(evidence.handoffs.length)],
    [
      'sockets',
      `${evidence.visitors.length} visitors and ${evidence.desks.length} at the desk came back ${[...evidence.visitors, ...evidence.desks].reduce((sum, one) => sum + one.reconnects, 0)} times and caught up with ${[...evidence.visitors, ...evidence.desks].reduce((sum, one) => sum + one.caughtUp, 0)} messages`,
    ],
  ];
}

/** The page of a full run. */
export function writePage(run: Run, at: Date): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = (lines: string[][]): string => lines.map((line) => `| ${line.map(cell).join(' | ')} |`).join('\n');
  const about = new Map(faults.map((fault) => [fault.name, fault.about]));
  return `# What Parley survives

Written by \`npm run chaos -- --full --write\` on ${at.toISOString().slice(0, 10)}; nothing on this page is typed by hand. Three apis and
three workers, PostgreSQL and Redis are real processes; Telegram and the model are programs that misbehave on order. The
run took ${Math.round(run.seconds / 60)} minutes. \`npm run chaos\` runs a short form of it.

## The run

${rows([['figure', 'value'], ['---', '---'], ...figures(run.evidence)])}

Every webhook was delivered three times, out of order, to any of the apis. The clock of one worker was 90 s ahead all the
time. Two visitors were on a slow link.

## What went wrong on order

${rows([
  ['fault', 'what it is', 'seconds', 'figures'],
  ['---', '---', '---', '---'],
  ...run.evidence.happenings.map(({ fault, from, to, told }) => [
    fault,
    about.get(fault) ?? '',
    ((to - from) / 1000).toFixed(1),
    Object.entries(told)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  ]),
])}

## What held

${rows([
  ['promise', 'counted', 'broken'],
  ['---', '---', '---'],
  ...run.judged.map(({ invariant, finding }) => [
    invariant.promise,
    `${finding.counted} ${finding.of}`,
    String(finding.wrong.length),
  ]),
])}
`;
}
