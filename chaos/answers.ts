import type { ModelReply, ModelRequest, ModelStep } from '../server/src/test/doubles/model-script.ts';
import { inChunks } from '../server/src/test/doubles/model-script.ts';

/**
 * What the model says, and how it misbehaves. A customer's message has a name (`q12x3`: the third of chat 12) and may ask
 * for a fault in words (`[hang]`). An answer names every message it answers, its own try and each of its parts, so that
 * what reached a customer tells who said it, when, and whether it was said twice.
 */
/** How the model misbehaves, once for each message that asks for it. */
export const MISBEHAVIOUR = ['hang', 'limited', 'broken', 'cut', 'midway', 'garbage'] as const;
const PARTS = 2;
const SLOW_PARTS = 4;
const SLOW_PART_MS = 1_500;

export const tokensIn = (text: string): string[] => [...new Set(text.match(/\b[qw]\d+x\d+\b/g) ?? [])];

/** What an answer's paragraph says of itself; undefined for other words. */
export function readPart(text: string): { part: number; attempt: number; tokens: string[] } | undefined {
  const found = /Part (\d+), told in try (\d+), answers (.+?)\.?$/s.exec(text.trim());
  if (!found) return undefined;
  return { part: Number(found[1]), attempt: Number(found[2]), tokens: tokensIn(found[3] ?? '') };
}

const wholeText = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : value && typeof value === 'object'
      ? Object.values(value).map(wholeText).join('\n')
      : '';

const section = (text: string, name: string): string =>
  new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text)?.[1] ?? '';

const quoted = (text: string): string => JSON.stringify(text).slice(1, -1);

/** @param shown counts of what was done wrong on order */
export function createAnswers(shown: Record<string, number>): (request: ModelRequest) => ModelReply {
  const tries = new Map<string, number>();
  const faults: Record<(typeof MISBEHAVIOUR)[number], (steps: ModelStep[]) => ModelReply> = {
    hang: (steps) => ({ kind: 'hang', steps: steps.slice(0, 2) }),
    limited: () => ({ kind: 'error', status: 429, retryAfterSeconds: 1 }),
    broken: () => ({ kind: 'error', status: 500 }),
    cut: (steps) => ({ kind: 'cut', steps: steps.slice(0, -3) }),
    midway: (steps) => ({ kind: 'error-in-stream', steps: steps.slice(0, -3) }),
    garbage: () => ({ kind: 'invalid-json' }),
  };

  return (request) => {
    const text = wholeText(request.body);
    const question = section(text, 'question');
    if (!question) return { kind: 'answer', steps: ['parcel delivery days'] };
    const tokens = tokensIn(question);
    const name = tokens.join(' ');
    const attempt = (tries.get(name) ?? 0) + 1;
    tries.set(name, attempt);
    const slow = question.includes('[slow]');
    const told = [...section(text, 'already_sent').matchAll(/Part (\d+), told/g)].map((match) => Number(match[1]));
    const parts: ModelStep[] = [];
    const last = slow ? SLOW_PARTS : PARTS;
    for (let part = Math.max(0, ...told) + 1; part <= last; part += 1) {
      const words = `Part ${part}, told in try ${attempt}, answers ${name}.${part < last ? '\n\n' : ''}`;
      for (const step of inChunks(words, 40)) parts.push(typeof step === 'string' ? quoted(step) : step);
      parts.push(slow ? SLOW_PART_MS : 20);
    }
    const steps: ModelStep[] = ['{"have_enough_information_for_reply":"YES","reply":"', ...parts, '","citations":[]}'];
    const fault = MISBEHAVIOUR.find((kind) => question.includes(`[${kind}]`));
    if (!fault || attempt > 1) return { kind: 'answer', steps };
    shown[fault] = (shown[fault] ?? 0) + 1;
    return faults[fault](steps);
  };
}
