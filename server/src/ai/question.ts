import type { Bot, Citation } from '@parley/contract';
import type { TraceRecord } from '../db/schema/index.ts';
import type { Embedder } from '../knowledge/embed.ts';
import { AppError } from '../platform/errors.ts';
import type { Outbound } from '../platform/outbound/breaker.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Store } from '../platform/data/tenant.ts';
import { LONGEST_REPLY } from './answer.ts';
import type { Answer, Answerer } from './answer.ts';
import { ModelFailure, toModelFailure } from './failures.ts';
import { chooseModel } from './providers.ts';
import { aiMetrics } from './metrics.ts';
import type { ChosenModel } from './providers.ts';
import type { ModelConfig, ModelPrices } from './settings.ts';
import { stageTimer } from './stages.ts';
import { createRetrieve, sharesOf } from './retrieval.ts';
import type { Passage, Retrieval } from './retrieval.ts';
import { searchTerms } from './terms.ts';
import type { SearchTerms, Turn } from './terms.ts';

export type QuestionRequest = {
  workspaceId: string;
  bot: Pick<
    Bot,
    'name' | 'model' | 'temperature' | 'systemPrompt' | 'knowledgeBaseIds' | 'typeReplyUnknown' | 'handoffThreshold'
  >;
  question: string;
  history: Turn[];
  /** paragraphs of this very answer that the customer has seen */
  alreadySent?: string[];
  signal?: AbortSignal;
};

export type QuestionAnswer = {
  /** the bot may stand by what it said */
  answered: boolean;
  /** written though the passages do not hold it (AI_GENERATE) */
  generated: boolean;
  confidence: number;
  text: string;
  citations: Citation[];
  failure: ModelFailure | undefined;
  /** for the flight recorder */
  record: TraceRecord;
};

export type QuestionAnswerer = (
  request: QuestionRequest,
  onParagraph: (paragraph: string) => Promise<void>,
) => Promise<QuestionAnswer>;

const noTerms: SearchTerms = { terms: [], text: '', from: 'question' };
const nothing: Retrieval = { passages: [], terms: [], searched: 0, milliseconds: { embedding: 0, search: 0 } };

/**
 * From question to answer: terms, retrieval, model, verdict, citations, and the record of all of it. Both the path of a
 * message and the playground come through here, so that what is tried is what is run.
 */
export function createQuestionAnswerer(parts: {
  store: Store;
  embedder: Embedder;
  answer: Answerer;
  models: ModelConfig;
  metrics: Metrics;
  outbound: Pick<Outbound, 'call'>;
  log: Logger;
  /** of models whose cost is counted */
  prices?: ModelPrices;
}): QuestionAnswerer {
  const { store, embedder, answer, models, metrics, outbound, log, prices = new Map() } = parts;
  const timed = stageTimer(metrics);
  const counted = metrics.of(aiMetrics);
  const retrieve = createRetrieve(store, embedder);

  return async function answerQuestion(request, onParagraph) {
    const { workspaceId, bot, question, history, alreadySent, signal } = request;
    const started = performance.now();
    const model = choose(bot.model, models);
    if (model instanceof ModelFailure) {
      counted.aiRequests.inc({ provider: 'none', outcome: model.kind });
      const told = { bot, terms: noTerms, retrieval: nothing, result: undefined, failure: model, citations: [] };
      const timings = { terms: 0, retrieval: 0, model: 0, total: performance.now() - started };
      const record = recordOf({ ...told, generated: false }, timings);
      return { answered: false, generated: false, confidence: 0, text: '', citations: [], failure: model, record };
    }
    const terms = await timed('terms', () =>
      searchTerms({
        question,
        history,
        ...(model.kind === 'language' ? { with: { model: model.model, target: model.target, outbound } } : {}),
        ...(signal ? { signal } : {}),
      }),
    );
    const termsMs = performance.now() - started;
    const retrieval =
      bot.knowledgeBaseIds.length > 0
        ? await timed('retrieve', () =>
            retrieve({
              workspaceId,
              knowledgeBaseIds: bot.knowledgeBaseIds,
              text: terms.text,
              terms: terms.terms,
              signal,
            }),
          )
        : nothing;
    const retrieved = performance.now();
    signal?.throwIfAborted();

    const ask = (answerAnyway: boolean) =>
      timed('model', () =>
        answer(
          {
            workspaceId,
            model,
            bot,
            question,
            history,
            passages: retrieval.passages,
            terms: retrieval.terms,
            threshold: bot.handoffThreshold,
            answerAnyway,
            ...(alreadySent ? { alreadySent } : {}),
            ...(signal ? { signal } : {}),
          },
          onParagraph,
        ),
      );

    let result: Answer | undefined;
    let failure: ModelFailure | undefined;
    /** the model wrote nothing, however often it was asked: that is no answer, and nothing that passes */
    let empty: ModelFailure | undefined;
    let generated = false;
    try {
      result = await ask(false);
      if (!result.haveEnoughInformation && bot.typeReplyUnknown === 'AI_GENERATE' && model.kind === 'language') {
        generated = true;
        result = await ask(true);
      }
    } catch (error) {
      if (!isModelFailure(error)) throw error;
      failure = toModelFailure(error, false);
      if (failure.kind === 'empty') {
        empty = failure;
        failure = undefined;
        generated = false;
      }
    }

    const provider = model.kind === 'language' ? model.provider : 'builtin';
    counted.aiRequests.inc({ provider, outcome: (failure ?? empty)?.kind ?? 'answered' });
    counted.aiProcessingDuration.observe({ provider }, (performance.now() - started) / 1000);
    if (result) {
      counted.aiTokens.inc({ provider, direction: 'input' }, result.usage.inputTokens);
      counted.aiTokens.inc({ provider, direction: 'output' }, result.usage.outputTokens);
      const price = prices.get(model.name);
      if (price) {
        const { inputTokens, outputTokens } = result.usage;
        const dollars = (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
        counted.aiCost.inc({ provider, model: model.name }, dollars);
      }
    }
    log.debug(
      {
        model: model.name,
        passages: retrieval.passages.length,
        verdict: (failure ?? empty)?.kind ?? result?.haveEnoughInformation === true,
        inputTokens: result?.usage.inputTokens,
        outputTokens: result?.usage.outputTokens,
        ms: Math.round(performance.now() - started),
      },
      'a question was asked',
    );
    const citations = presentCitations(result, retrieval.passages);
    return {
      answered: !failure && (result?.haveEnoughInformation === true || generated),
      generated,
      confidence: result?.confidence ?? 0,
      text: result?.text ?? '',
      citations,
      failure,
      record: recordOf(
        { bot, terms, retrieval, result, failure, empty, citations, generated },
        {
          terms: termsMs,
          retrieval: retrieved - started - termsMs,
          model: performance.now() - retrieved,
          total: performance.now() - started,
        },
      ),
    };
  };
}

/** A key that was taken away, a model that is no longer known: as final as a provider's own refusal, and told the same way. */
function choose(name: string, models: ModelConfig): ChosenModel | ModelFailure {
  try {
    return chooseModel(name, models);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return new ModelFailure('rejected', error.message, { cause: error });
  }
}

const isModelFailure = (error: unknown): boolean => error instanceof Error && error.name === 'ModelFailure';

function presentCitations(result: Answer | undefined, passages: Passage[]): Citation[] {
  return (result?.citations ?? []).flatMap((citation, index) => {
    const passage = passages.find(({ chunkId }) => chunkId === citation.chunkId);
    if (!passage) return [];
    return [
      {
        number: index + 1,
        chunkId: passage.chunkId,
        sourceId: passage.sourceId,
        sourceType: passage.sourceType,
        title: passage.title,
        headingPath: passage.headingPath.join(' › '),
        quote: citation.quote,
        url: passage.url,
      },
    ];
  });
}

function recordOf(
  told: {
    bot: QuestionRequest['bot'];
    terms: SearchTerms;
    retrieval: Retrieval;
    result: Answer | undefined;
    failure: ModelFailure | undefined;
    empty?: ModelFailure | undefined;
    citations: Citation[];
    generated: boolean;
  },
  timings: TraceRecord['timings'],
): TraceRecord {
  const { bot, terms, retrieval, result, failure, empty, citations, generated } = told;
  const used = new Set(citations.map((citation) => citation.chunkId));
  const reason = failure ?? empty;
  const outcome = failure
    ? 'failed'
    : generated
      ? 'generated'
      : result?.haveEnoughInformation
        ? 'answered'
        : 'declined';
  return {
    model: bot.model,
    terms: terms.terms,
    passages: retrieval.passages.map((passage) => ({
      chunkId: passage.chunkId,
      sourceId: passage.sourceId,
      sourceType: passage.sourceType,
      title: passage.title,
      headingPath: passage.headingPath.join(' › '),
      text: passage.text,
      ...sharesOf(passage),
      used: used.has(passage.chunkId),
    })),
    prompt: result?.prompt ? `${result.prompt.system}\n\n${result.prompt.user}` : '',
    verdict: reason ? null : result?.haveEnoughInformation ? 'YES' : 'NO',
    confidence: result?.confidence ?? 0,
    outcome,
    answer: result?.text ?? '',
    usage: result?.usage ?? { inputTokens: 0, outputTokens: 0 },
    timings: {
      terms: Math.round(timings.terms),
      retrieval: Math.round(timings.retrieval),
      model: Math.round(timings.model),
      total: Math.round(timings.total),
    },
    error: reason
      ? `${reason.kind}: ${reason.message}`
      : result?.cut
        ? `too_long: The model wrote more than ${LONGEST_REPLY.toLocaleString('en')} characters. Its answer was cut there.`
        : null,
  };
}
