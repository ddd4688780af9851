import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedder } from '../knowledge/embed.ts';
import type { Outbound } from '../platform/outbound/breaker.ts';
import { createCitationMarks, withoutFootnotes } from './citation-marks.ts';
import { extractiveAnswer, type Citation } from './extractive.ts';
import { ModelFailure, refusesStructuredOutput, toModelFailure } from './failures.ts';
import { nothingMore, SinkFailed, streamReply, type ParagraphSink, type StreamOutcome } from './model-stream.ts';
import { buildPrompt, type Prompt } from './prompt.ts';
import type { ChosenModel } from './providers.ts';
import { withoutRepeats } from './repeats.ts';
import type { Passage, WeighedTerm } from './retrieval.ts';
import { standalone, type Turn } from './terms.ts';

export type AnswerRequest = {
  workspaceId: string;
  model: ChosenModel;
  bot: { name: string; systemPrompt: string; temperature: number };
  question: string;
  /** oldest first, without the question */
  history: Turn[];
  passages: Passage[];
  /** from the same retrieval as the passages */
  terms: WeighedTerm[];
  /** paragraphs of this very answer the customer has seen: the answer goes on after them */
  alreadySent?: string[];
  /** write an answer though the passages do not hold it (AI_GENERATE); the built-in model cannot */
  answerAnyway?: boolean;
  /** the built-in model withholds answers of a lower confidence (default 0.5); a language model judges by itself */
  threshold?: number;
  signal?: AbortSignal;
};

export type Answer = {
  /** whether the passages hold the answer, in the model's own judgement */
  haveEnoughInformation: boolean;
  /**
   * 0…1. Built-in model: calibrated. Language models say only yes or no: then the upper or lower half, and inside of it how
   * well the cited (or found) passages fit the question.
   */
  confidence: number;
  /** the paragraphs of this call, joined; '' with a NO */
  text: string;
  /** it was longer than LONGEST_REPLY and ends with a mark */
  cut: boolean;
  /** those that went to onParagraph in this call */
  paragraphs: string[];
  /** only passages that were given to the model */
  citations: Citation[];
  usage: { inputTokens: number; outputTokens: number };
  /** milliseconds from the call to the event; 0 when it did not come */
  timings: { firstToken: number; verdict: number; firstParagraph: number; total: number };
  /** calls of the model */
  attempts: number;
  /** for the flight recorder; undefined for the built-in model */
  prompt?: { system: string; user: string; tokens: number; passageIds: string[] };
};

export type AnswererParts = {
  embedder: Embedder;
  outbound: Outbound;
  /** milliseconds of silence after which a stream counts as hanging (default 30,000) */
  idleMs?: number;
  /** first wait between attempts (default 400); it doubles */
  backoffMs?: number;
};

export type Answerer = (request: AnswerRequest, onParagraph: ParagraphSink) => Promise<Answer>;

/** Characters of an answer, whatever the model writes; it is cut there. No customer reads more than a few pages. */
export const LONGEST_REPLY = 20_000;
const attemptsAtMost = 3;
const wholeStreamMs = 180_000;
const longestWaitSeconds = 10;

const isWorthRetrying = (failure: ModelFailure): boolean =>
  failure.kind !== 'rejected' && (failure.retryAfterSeconds ?? 0) <= longestWaitSeconds;

const lengthOf = (paragraphs: string[]): number => paragraphs.reduce((sum, { length }) => sum + length, 0);

const quoteOf = (passage: Passage): string => passage.text.replace(/\s+/g, ' ').slice(0, 240).trim();

/** Ids the model made up are dropped; so are doubles. The id of the chunk itself is taken as well. */
const checkCitations = (ids: string[], prompt: Prompt): Passage[] => {
  const all = [...prompt.passages.values()];
  const cited = ids.map((id) => {
    const plain = id.trim().replace(/^[[#]+|\]+$/g, '');
    return prompt.passages.get(plain) ?? all.find((passage) => passage.chunkId === plain);
  });
  return [...new Set(cited.filter((passage) => passage !== undefined))];
};

const fitOf = (passages: Passage[]): number =>
  Math.min(1, Math.max(0, ...passages.map((passage) => 0.5 * passage.textScore + 0.5 * passage.vectorScore)));

/**
 * Answers from passages, paragraph by paragraph. A call that fails before its first paragraph is tried again (3 attempts in
 * all, Retry-After honoured up to 10 s); one that fails after it goes on after what was sent, never repeating it.
 *
 * The answerer throws ModelFailure when the attempts are used up; what onParagraph threw; the reason of the signal.
 */
export const createAnswerer = ({ embedder, outbound, idleMs = 30_000, backoffMs = 400 }: AnswererParts): Answerer => {
  // Settings a model does not know (temperature with reasoning models) are left out by the SDK, which would print that each time.
  Reflect.set(globalThis, 'AI_SDK_LOG_WARNINGS', false);
  const builtin = async (request: AnswerRequest, onParagraph: ParagraphSink): Promise<Answer> => {
    const started = performance.now();
    const { passages, terms, threshold, alreadySent = [] } = request;
    const question = standalone(request.question, request.history);
    const found = await extractiveAnswer(
      {
        workspaceId: request.workspaceId,
        question,
        passages,
        terms,
        signal: request.signal,
        ...(threshold === undefined ? {} : { threshold }),
      },
      embedder,
    );
    const verdict = performance.now() - started;
    const fresh = withoutRepeats(alreadySent);
    const paragraphs: string[] = [];
    let firstParagraph = 0;
    for (const paragraph of found.paragraphs.map(withoutFootnotes).map(fresh).filter(Boolean)) {
      request.signal?.throwIfAborted();
      await onParagraph(paragraph);
      paragraphs.push(paragraph);
      firstParagraph ||= performance.now() - started;
    }
    return {
      haveEnoughInformation: found.haveEnoughInformation,
      confidence: found.confidence,
      cut: false,
      text: paragraphs.join('\n\n'),
      paragraphs,
      citations: found.citations,
      usage: { inputTokens: 0, outputTokens: 0 },
      timings: { firstToken: verdict, verdict, firstParagraph, total: performance.now() - started },
      attempts: 1,
    };
  };

  const generated = async (
    request: AnswerRequest,
    model: Extract<ChosenModel, { kind: 'language' }>,
    onParagraph: ParagraphSink,
  ): Promise<Answer> => {
    const started = performance.now();
    const { alreadySent = [], answerAnyway = false, signal = new AbortController().signal } = request;
    const sent: string[] = [];
    const usage = { inputTokens: 0, outputTokens: 0 };
    const marks = createCitationMarks();
    let firstParagraph = 0;
    let structured = true;
    let fallbacks = 0;

    const attempt = async (): Promise<{ outcome: StreamOutcome; prompt: Prompt; at: number }> => {
      const before = [...alreadySent, ...sent];
      const prompt = buildPrompt({ ...request, alreadySent: before });
      const fresh = withoutRepeats(before);
      const sink: ParagraphSink = async (paragraph) => {
        const text = fresh(marks.number(paragraph, prompt.passages));
        if (!text) return;
        await onParagraph(text);
        sent.push(text);
        firstParagraph ||= performance.now() - started;
      };
      const at = performance.now() - started;
      const room = LONGEST_REPLY - lengthOf(before);
      if (room <= 0) return { outcome: { ...nothingMore, enough: true, cut: true }, prompt, at };
      const outcome = await outbound.call(
        model.target,
        (stop) =>
          streamReply(
            {
              model: model.model,
              prompt,
              temperature: request.bot.temperature,
              structured,
              answerAnyway,
              room,
              idleMs,
              signal: AbortSignal.any([signal, stop]),
            },
            sink,
          ),
        // Do not retry a stream: part of it may already be shown.
        { timeoutMs: wholeStreamMs, attempts: 1, signal },
      );
      return { outcome, prompt, at };
    };

    for (let attempts = 1; ; attempts += 1) {
      try {
        const { outcome, prompt, at } = await attempt();
        usage.inputTokens += outcome.usage.inputTokens;
        usage.outputTokens += outcome.usage.outputTokens;
        const goesOn = alreadySent.length + sent.length > 0;
        // Words make an answer, not the verdict.
        if (!goesOn && (outcome.enough || answerAnyway))
          throw new ModelFailure('empty', 'The model said that it can answer, and wrote nothing.');
        // A continuation that finds nothing missing may say NO to the rest; what was sent stays an answer.
        const enough = outcome.enough || (goesOn && !answerAnyway);
        const cited =
          enough || answerAnyway
            ? [...new Set([...marks.cited(), ...checkCitations(outcome.citationIds, prompt)])]
            : [];
        const fit = fitOf(cited.length > 0 ? cited : request.passages);
        return {
          haveEnoughInformation: enough,
          confidence: enough ? 0.5 + 0.5 * fit : 0.5 * fit,
          text: sent.join('\n\n'),
          cut: outcome.cut,
          paragraphs: sent,
          citations: cited.map((passage) => ({
            chunkId: passage.chunkId,
            title: passage.title,
            quote: quoteOf(passage),
          })),
          usage,
          timings: {
            firstToken: at + outcome.firstTokenMs,
            verdict: at + outcome.verdictMs,
            firstParagraph,
            total: performance.now() - started,
          },
          attempts,
          prompt: {
            system: prompt.system,
            user: prompt.user,
            tokens: prompt.tokens,
            passageIds: [...prompt.passages.values()].map((passage) => passage.chunkId),
          },
        };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SinkFailed) throw error.cause;
        const failure = toModelFailure(error, false);
        failure.beforeFirstParagraph = alreadySent.length + sent.length === 0;
        if (structured && refusesStructuredOutput(failure) && fallbacks === 0) {
          structured = false;
          fallbacks += 1;
          attempts -= 1;
          continue;
        }
        if (attempts >= attemptsAtMost || !isWorthRetrying(failure)) throw failure;
        const backoff = backoffMs * 2 ** (attempts - 1) * (1 + Math.random() / 2);
        await sleep(Math.max(backoff, (failure.retryAfterSeconds ?? 0) * 1000), undefined, { signal });
      }
    }
  };

  return (request, onParagraph) =>
    request.model.kind === 'builtin' ? builtin(request, onParagraph) : generated(request, request.model, onParagraph);
};
