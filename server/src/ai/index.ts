import type { Embedder } from '../knowledge/embed.ts';
import type { Outbound } from '../platform/breaker.ts';
import type { Store } from '../platform/tenant.ts';
import { createAnswerer, type Answer, type AnswerRequest } from './answer.ts';
import { chooseModel, type ChosenModel, type ModelSettings } from './providers.ts';
import type { ParagraphSink } from './model-stream.ts';
import { retrieve, type Retrieval } from './retrieval.ts';
import { searchTerms, type SearchTerms, type Turn } from './terms.ts';

export type AskRequest = Pick<AnswerRequest, 'bot' | 'question' | 'alreadySent' | 'answerAnyway' | 'signal'> & {
  workspaceId: string;
  knowledgeBaseIds: string[];
  /** as the bot names it: builtin/extractive, openai/…, anthropic/…, google/… */
  model: string;
  /** oldest first, without the question */
  history: Turn[];
};

/** An answer and all of its way, for the flight recorder. */
export type AskResult = { answer: Answer; terms: SearchTerms; retrieval: Retrieval; model: string };

export type Ai = {
  /** Terms, retrieval, answer. @throws AppError (wrong model name, no key); ModelFailure; what onParagraph threw; the signal's reason */
  ask(request: AskRequest, onParagraph: ParagraphSink): Promise<AskResult>;
  /** Retrieval alone, with the built-in terms: the search of a knowledge base. */
  search(request: {
    workspaceId: string;
    knowledgeBaseIds: string[];
    query: string;
    limit?: number;
  }): Promise<Retrieval>;
  /** @throws AppError 400 when the name is none or its provider has no key; for checking a bot's settings */
  chooseModel(name: string): ChosenModel;
};

/** @param models keys and base URLs; a workspace's own settings are laid over them by the caller */
export const createAi = (parts: {
  store: Store;
  embedder: Embedder;
  outbound: Outbound;
  models: ModelSettings;
  idleMs?: number;
  backoffMs?: number;
}): Ai => {
  const { store, embedder, models } = parts;
  const answer = createAnswerer(parts);
  return {
    async ask(request, onParagraph) {
      const { workspaceId, knowledgeBaseIds, question, history, signal } = request;
      const model = chooseModel(request.model, models);
      const helper = model.kind === 'language' ? { model: model.model } : {};
      const terms = await searchTerms({ question, history, ...helper, ...(signal ? { signal } : {}) });
      const retrieval = await retrieve(store, embedder, {
        workspaceId,
        knowledgeBaseIds,
        text: terms.text,
        terms: terms.terms,
      });
      const found = { passages: retrieval.passages, terms: retrieval.terms };
      // The built-in answerer reads no history: what the question leans on is in the search text.
      const asked = model.kind === 'builtin' ? terms.text : question;
      const given = await answer({ ...request, ...found, model, question: asked }, onParagraph);
      return { answer: given, terms, retrieval, model: model.name };
    },
    async search({ workspaceId, knowledgeBaseIds, query, limit = 10 }) {
      const { terms, text } = await searchTerms({ question: query, history: [] });
      return retrieve(store, embedder, { workspaceId, knowledgeBaseIds, text, terms, limit, tokenBudget: limit * 512 });
    },
    chooseModel: (name) => chooseModel(name, models),
  };
};
