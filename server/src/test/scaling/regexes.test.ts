import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createContext, Script } from 'node:vm';
import { cleanText } from '@parley/contract';
import { fromMarkdown } from '../../channels/markdown.ts';
import { render, toHtml, toPlain } from '../../channels/telegram/render.ts';
import { cleanName } from '../../features/files/name.ts';
import { languageOf } from '../../engine/language.ts';
import { wordsOf } from '../../engine/question.ts';
import { asksForPerson } from '../../engine/talk/person-wish.ts';
import { smallTalkOf, withoutSmallTalk } from '../../engine/talk/small-talk.ts';
import { createLogger } from '../../platform/telemetry/log.ts';
import { isPublicAddress } from '../../platform/outbound/public-address.ts';
import { redact, redactString } from '../../platform/telemetry/redact.ts';
import { assertFeltLinear } from './felt.ts';
import { findExpressions } from './literals.ts';
import type { FoundExpression } from './literals.ts';
import { filled, growth, hostilePatterns } from './scaling.ts';

const LENGTH = 6_000;
/** Work on twice that which takes less has no curve anybody feels. */
const FELT_MS = 20;
/** What backtracks without end is stopped. */
const STUCK_MS = 5_000;

/**
 * Expressions that are not linear and need not be: the text they meet is short, for the reason that is named.
 */
const SHORT: Record<string, string> = {
  'server/src/channels/http.ts /\\/+$/': 'the address the operator configures',
  'server/src/platform/config/schemas.ts /\\/+$/': 'an address the operator configures',
  'server/src/platform/security/password.ts /=+$/': 'bytes of our own, 44 at most',
};
/** Put together at run time. */
const MADE: string[] = [];

const name = ({ file, source }: FoundExpression): string => `${file} /${source}/`;

/** Pieces that an expression itself speaks of stop it latest: its own characters, one by one. */
const piecesOf = (source: string): string[] => [
  ...new Set(source.replace(/\\[a-zA-Z]/g, '').replace(/[^a-zA-Z0-9 _:;.,/<>&#@=\-*`~|![\]()'"\n]/g, '')),
];
const classes: Record<string, string> = { d: '1', w: 'a', s: ' ' };

function hostile({ source }: FoundExpression): string[] {
  const known = [...source.matchAll(/\\([dws])/g)].map(([, letter]) => classes[letter ?? ''] ?? '');
  return [...new Set([...Object.values(hostilePatterns), ...piecesOf(source), ...known])].filter(
    (piece) => piece !== '',
  );
}

const everywhere = (flags: string): string => [...new Set(`${flags.replace('y', '')}g`)].join('');

/** All matches, and all places where there is none; at the end stands what no repetition takes. */
function search(expression: FoundExpression, text: string): void {
  text.replace(new RegExp(expression.source, everywhere(expression.flags)), '');
}

const inputs = (piece: string, n: number): string[] => [`${filled(piece, n)}\u0001`, `\u0001${filled(piece, n)}`];

// In a context of its own, since only there a search can be stopped.
const apart = createContext({ text: '', pattern: / / });
const searching = new Script('text.replace(pattern, "")');
function milliseconds({ source, flags }: FoundExpression, text: string): number {
  Object.assign(apart, { text, pattern: new RegExp(source, everywhere(flags)) });
  const started = performance.now();
  searching.runInContext(apart, { timeout: STUCK_MS });
  return performance.now() - started;
}

describe('regular expressions', () => {
  const { literals, made } = findExpressions(
    ['server/src', 'packages/contract/src', 'widget/src', 'dashboard/src'],
    // The folders with a walk of their own, and what never meets text from outside.
    /^server\/src\/(ai|knowledge|test|db)\//,
  );

  it('are all found', () => {
    assert.ok(literals.length > 50, `${literals.length} were found`);
    assert.ok(literals.some(({ file }) => file.startsWith('dashboard/')));
    assert.deepEqual([...new Set(made.map(({ file }) => file))], MADE, 'made at run time, and looked at by nobody');
  });

  it('take twice the time for twice the text at most, whatever it is made of', async () => {
    const failures: string[] = [];
    for (const expression of literals) {
      if (name(expression) in SHORT) continue;
      for (const piece of hostile(expression)) {
        try {
          const felt = inputs(piece, LENGTH * 2).some((text) => milliseconds(expression, text) > FELT_MS);
          if (!felt) continue;
          for (const at of [0, 1]) {
            const grown = await growth((n) => () => search(expression, inputs(piece, n)[at] ?? ''), LENGTH);
            if (grown > 2.5) failures.push(`${name(expression)} on ${JSON.stringify(piece)}: ${grown.toFixed(1)}`);
          }
        } catch (error) {
          failures.push(`${name(expression)} on ${JSON.stringify(piece)}: ${String(error)}`);
        }
        if (failures.at(-1)?.startsWith(name(expression))) break;
      }
    }
    assert.deepEqual(failures, []);
  });

  it('which are excused are still there', () => {
    const names = new Set(literals.map(name));
    assert.deepEqual(
      Object.keys(SHORT).filter((excused) => !names.has(excused)),
      [],
    );
  });
});

describe('what meets text from outside', () => {
  const lines = createLogger({ level: 'info' }, { write: () => undefined });
  const author = { type: 'bot' as const, id: null, name: 'Robin' };
  const of = (text: string) => ({ messageId: 'x', author, text, attachments: [], citations: [] });
  const functions: [name: string, size: number, work: (text: string) => unknown][] = [
    ['cleanText', 100_000, cleanText],
    ['cleanName', 100_000, cleanName],
    ['Markdown of channels', 50_000, fromMarkdown],
    ['rendering for Telegram', 50_000, (text) => render(of(text))],
    ['plain text for Telegram', 100_000, (text) => toPlain(toHtml({ text, spans: [] }))],
    ['public addresses', 50_000, isPublicAddress],
    ['redactString', 50_000, redactString],
    ['redact', 50_000, (text) => redact({ anything: text, list: [text] })],
    ['a line of the log', 50_000, (text) => lines.info({ anything: text }, text)],
    ['language', 50_000, (text) => languageOf(text, { earlier: [text], fallbacks: [null] })],
    [
      'what is said',
      50_000,
      (text) => [
        asksForPerson(text),
        asksForPerson(text.slice(0, 400)),
        smallTalkOf(text),
        smallTalkOf(text.slice(0, 160)),
        withoutSmallTalk(text),
        withoutSmallTalk(text.slice(0, 2000)),
        wordsOf({ text, type: 'document', attachments: [] }),
      ],
    ],
  ];
  for (const [what, size, work] of functions)
    it(`${what} takes twice the time for twice the text at most`, async () => {
      for (const [kind, piece] of Object.entries(hostilePatterns))
        await assertFeltLinear(
          `${what}, ${kind}`,
          (n) => {
            const text = `${filled(piece, n)}\u0001`;
            return () => work(text);
          },
          size,
        );
    });
});
