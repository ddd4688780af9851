import { zodSchema } from 'ai';
import { z } from 'zod';
import { ModelFailure, toModelFailure } from './failures.ts';
import { createParagraphs } from './paragraphs.ts';
import type { Prompt } from './prompt.ts';
import type { Model } from './providers.ts';
import { createReplyReader } from './reply-reader.ts';

/** The order of the fields is the order the model writes them in. Wrapped here, it becomes a JSON schema only once. */
const replySchema = zodSchema(
  z.object({
    have_enough_information_for_reply: z.enum(['YES', 'NO']),
    reply: z.string(),
    citations: z.array(z.string()),
  }),
);

/** Shown where a reply was cut; it needs no language. */
export const CUT_MARK = '…';
/** Paragraphs of one reply: each is a message of its own. */
const MOST_PARAGRAPHS = 100;
/** Characters of a stream, for each of the reply: an escape has six. What a model writes beside the reply has to fit as well. */
const STREAMED_FOR_ONE = 6;
const STREAMED_BESIDE = 40_000;

export type StreamRequest = {
  model: Model;
  prompt: Prompt;
  temperature: number;
  /** whether the server is asked for structured output; some compatible servers know none */
  structured: boolean;
  /** show the reply even when the verdict is NO (AI_GENERATE) */
  answerAnyway: boolean;
  /** characters of the reply that may go out; it is cut there, and the stream given up */
  room: number;
  /** milliseconds of silence after which the stream counts as hanging */
  idleMs: number;
  signal: AbortSignal;
};

export type StreamOutcome = {
  enough: boolean;
  citationIds: string[];
  usage: { inputTokens: number; outputTokens: number };
  firstTokenMs: number;
  verdictMs: number;
  /** the reply was longer than its room */
  cut: boolean;
};

/** The outcome of a call that was not needed. */
export const nothingMore: StreamOutcome = {
  enough: false,
  citationIds: [],
  usage: { inputTokens: 0, outputTokens: 0 },
  firstTokenMs: 0,
  verdictMs: 0,
  cut: false,
};

export type ParagraphSink = (paragraph: string) => void | Promise<void>;

/** The sink's own failure, kept apart from the model's: it is thrown on as it is and nothing is tried again. */
export class SinkFailed extends Error {}

/** The promise, silence or the signal, whichever comes first: no stream is trusted to heed a signal. */
const within = async <T>(work: Promise<T>, milliseconds: number, signal: AbortSignal): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = (): void => undefined;
  const given = new Promise<never>((_resolve, reject) => {
    const silent = () => reject(new ModelFailure('timeout', 'The model fell silent.', { statusCode: 504 }));
    timer = setTimeout(silent, milliseconds);
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
};

/** Paragraphs one after the other, the stream read on meanwhile; the first failure of the sink ends it. */
const createQueue = (sink: ParagraphSink) => {
  let last: Promise<void> = Promise.resolve();
  let failed: { error: unknown } | undefined;
  return {
    add(paragraph: string): void {
      last = last.then(async () => {
        if (failed) return;
        try {
          await sink(paragraph);
        } catch (error) {
          failed = { error };
        }
      });
    },
    async settle(): Promise<void> {
      await last;
      if (failed) throw new SinkFailed('the paragraph was not taken', { cause: failed.error });
    },
    hasFailed: () => failed !== undefined,
  };
};

/** The provider's own stream: what the SDK's `streamText` lays over it costs more than the rest of the call. */
const callModel = async ({ model, prompt, temperature, structured }: StreamRequest, signal: AbortSignal) => {
  const { stream } = await model.doStream({
    prompt: [
      { role: 'system', content: prompt.system },
      { role: 'user', content: [{ type: 'text', text: prompt.user }] },
    ],
    temperature,
    maxOutputTokens: 4000,
    abortSignal: signal,
    providerOptions: { openai: { store: false, systemMessageMode: 'system' } },
    ...(structured ? { responseFormat: { type: 'json', schema: await replySchema.jsonSchema, name: 'reply' } } : {}),
  });
  return stream.getReader();
};

/**
 * One call of the model. Paragraphs go to the sink as soon as they are whole, none before the verdict. A reply longer than
 * its room is cut at a word, with a mark, and the provider's stream is given up: that is an answer, not a failure.
 * @throws ModelFailure; SinkFailed with the sink's error as its cause; or the signal's reason
 */
export const streamReply = async (request: StreamRequest, sink: ParagraphSink): Promise<StreamOutcome> => {
  const started = performance.now();
  const since = () => performance.now() - started;
  const stop = new AbortController();
  const queue = createQueue(sink);
  let paragraphs = 0;
  const buffer = createParagraphs((paragraph) => {
    paragraphs += 1;
    if (paragraphs <= MOST_PARAGRAPHS) queue.add(paragraph);
  });
  const outcome: StreamOutcome = { ...nothingMore };
  let { room } = request;
  const atMost = room * STREAMED_FOR_ONE + STREAMED_BESIDE;
  let receivedLength = 0;
  let finishReason = '';
  let shown = false;
  let ended = false;
  const reader = createReplyReader({
    onVerdict(enough) {
      outcome.enough = enough;
      outcome.verdictMs = since();
      shown = enough || request.answerAnyway;
    },
    onReply(text) {
      if (!shown || outcome.cut) return;
      buffer.push(text.slice(0, room));
      room -= text.length;
      outcome.cut = room < 0 || paragraphs > MOST_PARAGRAPHS;
    },
  });
  try {
    const called = callModel(request, AbortSignal.any([request.signal, stop.signal]));
    const parts = await within(called, request.idleMs, request.signal);
    for (;;) {
      const { value: part, done } = await within(parts.read(), request.idleMs, request.signal);
      ended = done;
      if (done) break;
      request.signal.throwIfAborted();
      if (queue.hasFailed()) break;
      if (part.type === 'error') throw part.error;
      if (part.type === 'text-delta') {
        outcome.firstTokenMs ||= since();
        receivedLength += part.delta.length;
        const left = atMost - receivedLength;
        // A delta as large as that is no piece of a stream: what is beyond its bounds is not even looked at.
        reader.push(left < 0 ? part.delta.slice(0, left) : part.delta);
        if (outcome.cut) break;
        if (left < 0) throw new ModelFailure('invalid', 'The model wrote too much beside its reply.');
      }
      if (part.type === 'finish') {
        finishReason = part.finishReason.unified;
        const { inputTokens, outputTokens } = part.usage;
        outcome.usage = { inputTokens: inputTokens.total ?? 0, outputTokens: outputTokens.total ?? 0 };
      }
    }
    if (outcome.cut && !queue.hasFailed()) {
      if (paragraphs > MOST_PARAGRAPHS) queue.add(CUT_MARK);
      else buffer.cut(CUT_MARK);
      // The provider counts only at the end, which nobody waits for.
      const outputTokens = Math.ceil(receivedLength / 4);
      outcome.usage = { inputTokens: request.prompt.tokens, outputTokens };
    } else if (!queue.hasFailed()) {
      reader.end();
      if (!reader.complete && (finishReason === 'length' || (receivedLength > 0 && reader.verdict !== undefined))) {
        throw new ModelFailure('cut_off', 'The model stopped in the middle of its reply.', { statusCode: 502 });
      }
      if (reader.verdict === undefined)
        throw new ModelFailure('invalid', 'The model did not reply in the agreed form.');
      buffer.end();
    }
  } catch (error) {
    buffer.drop();
    // What went out before must be counted before the failure is judged.
    await queue.settle();
    request.signal.throwIfAborted();
    throw toModelFailure(error, receivedLength > 0);
  } finally {
    buffer.drop();
    if (!ended) stop.abort();
  }
  await queue.settle();
  outcome.citationIds = reader.citations;
  return outcome;
};
