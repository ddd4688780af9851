import type { Ask } from '@parley/contract';
import type { QuestionAnswerer } from '../../ai/question.ts';
import { badRequest, unavailable } from '../../platform/errors.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { AskBot } from './ask-routes.ts';
import { recordTrace } from './commands.ts';

/**
 * The playground: the same way to an answer as in a conversation, recorded, and nothing else kept.
 * @throws unavailable with the reason when the model fails, bad-request when it is set up wrongly
 */
export const createAsk =
  ({ store, answerQuestion }: { store: Store; answerQuestion: QuestionAnswerer }): AskBot =>
  async (workspaceId, bot, { question, history }): Promise<Ask> => {
    const answer = await answerQuestion(
      {
        workspaceId,
        bot,
        question,
        history: history.map(({ role, text }) => ({ role: role === 'customer' ? 'user' : 'assistant', text })),
      },
      () => Promise.resolve(),
    );
    const traceId = await store.inWorkspace(workspaceId, (tx) =>
      recordTrace(tx, { workspaceId, botId: bot.id, question, record: answer.record }),
    );
    if (answer.failure?.kind === 'rejected') throw badRequest(answer.failure.message);
    if (answer.failure) throw unavailable(answer.failure.message, answer.failure.retryAfterSeconds);
    return {
      answer: answer.text || (answer.answered ? '' : bot.typeReplyUnknown === 'NO_REPLY' ? '' : bot.unknownAnswer),
      haveEnoughInformation: answer.answered && !answer.generated,
      confidence: answer.confidence,
      citations: answer.citations,
      traceId,
    };
  };
