import type { QuestionAnswer, QuestionAnswerer } from '../../ai/question.ts';
import type { Turn } from '../../ai/terms.ts';
import type { ModelFailure } from '../../ai/failures.ts';
import { questionOf } from '../question.ts';
import { withoutSmallTalk } from '../talk/small-talk.ts';
import { choicesOf } from '../types.ts';
import type { Handler, Outcome, Saying, TurnInput } from '../types.ts';

const failureWords: Record<ModelFailure['kind'], string> = {
  rate_limited: 'The model provider limits our requests.',
  server: 'The model provider is not reachable.',
  timeout: 'The model did not answer in time.',
  invalid: 'The model sent an unreadable answer.',
  empty: 'The model said that it can answer, and wrote nothing.',
  cut_off: 'The model broke off in the middle of its answer.',
  rejected: 'The model provider refused the request. Check the key and the name of the model.',
};

/** Answers from the bot's knowledge, and says so when it cannot. The last handler: it accepts everything. */
export const createQaHandler = (answerQuestion: QuestionAnswerer): Handler => ({
  name: 'qa',
  priority: 100,
  accepts: () => true,
  run: async (input, say) => {
    const question = withoutSmallTalk(questionOf(input));
    const { texts, waiting } = input;
    // A turn that was interrupted between its last words and the handoff: what was decided then still holds.
    if (!waiting && input.alreadySent.at(-1)?.startsWith(unknownWords(input))) {
      return { handler: 'qa', ...(await whenUnsure(input, say, question, '')) };
    }
    // Where a platform cannot change what was sent, the last paragraph waits for its sources.
    let held: string | undefined;
    // Who waits for a person is told who is speaking.
    const introduction = waiting ? texts('whileWaiting') : undefined;
    let introduced = introduction === undefined || input.alreadySent.includes(introduction);
    const answer = await answerQuestion(
      {
        workspaceId: input.workspaceId,
        bot: input.bot,
        question,
        history: historyOf(input),
        alreadySent: input.alreadySent.filter((text) => text !== introduction),
        signal: input.signal,
      },
      async (paragraph) => {
        if (!introduced && introduction !== undefined) await say({ text: introduction });
        introduced = true;
        if (!input.sourcesAfterwards) {
          const before = held;
          held = paragraph;
          if (before !== undefined) await say({ text: before });
        } else await say({ text: paragraph });
      },
    );
    if (held !== undefined) await say({ text: held, citations: answer.citations });
    else if (answer.citations.length > 0) await input.cite(answer.citations);
    const trace = { question, record: answer.record };

    if (answer.answered && !answer.failure) return { handler: 'qa', trace, missed: false };
    // A person is on the way: what the bot does not know is theirs, and nothing is to be said of it.
    if (waiting) return { handler: 'qa', trace, silent: input.alreadySent.length === 0 && answer.text === '' };
    if (answer.failure) {
      return {
        handler: 'qa',
        trace,
        failure: answer.failure,
        ...(await afterFailure(input, say, answer.failure, question)),
      };
    }
    return { handler: 'qa', trace, ...(await whenUnsure(input, say, question, attemptOf(answer))) };
  },
});

const historyOf = (input: TurnInput): Turn[] =>
  input.history
    .filter((message) => message.author.type !== 'system' && message.text !== '')
    .map((message) => ({ role: message.author.type === 'contact' ? 'user' : 'assistant', text: message.text }));

/** What an agent should know of the bot's try: its words, or where it looked. */
const attemptOf = (answer: QuestionAnswer): string =>
  answer.text || [...new Set(answer.record.passages.map(({ title }) => title))].slice(0, 3).join(' · ');

type Ending = Pick<Outcome, 'handoff' | 'closing' | 'silent' | 'missed'>;

const unknownWords = (input: TurnInput): string => input.bot.unknownAnswer || input.texts('notFound');

/** Whether the bot gives up by itself: after as many questions in a row as its owner allows. */
const isOneTooMany = ({ bot, misses }: TurnInput): boolean =>
  bot.typeReplyUnknown === 'INPUT_ANSWER' && bot.missesBeforeHandoff !== null && misses + 1 >= bot.missesBeforeHandoff;

/** The verdict was NO: what the owner chose for it. */
async function whenUnsure(
  input: TurnInput,
  say: (saying: Saying) => Promise<void>,
  question: string,
  attempt: string,
): Promise<Ending> {
  const { bot } = input;
  const handoff: Ending['handoff'] = bot.handoffEnabled
    ? { reason: 'BOT_NOT_ENOUGH_DATA', question, ...(attempt ? { attempt } : {}) }
    : undefined;
  if (bot.typeReplyUnknown === 'NO_REPLY') return handoff ? { handoff, closing: null } : { silent: true };
  const gives = handoff !== undefined && isOneTooMany(input);
  if (input.alreadySent.length === 0)
    await say({ text: unknownWords(input), ...(gives ? {} : { choices: choicesOf(input) }) });
  if (gives) return { handoff };
  return bot.typeReplyUnknown === 'INPUT_ANSWER' ? { missed: true } : {};
}

async function afterFailure(
  input: TurnInput,
  say: (saying: Saying) => Promise<void>,
  failure: ModelFailure,
  question: string,
): Promise<Ending> {
  // Also after half an answer: the customer must not wait for the other half. Once, however often the turn is tried.
  const words = input.texts('modelFailed');
  if (!input.alreadySent.includes(words)) await say({ text: words });
  return input.bot.handoffEnabled
    ? { handoff: { reason: 'MODEL_FAILED', detail: failureWords[failure.kind], question } }
    : {};
}
