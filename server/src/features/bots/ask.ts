import type { Ask, AskInput, Bot, Message } from '@parley/contract';
import { languageOf } from '../../engine/language.ts';
import { chosenBy } from '../../engine/question.ts';
import type { Router } from '../../engine/router.ts';
import { textsIn } from '../../engine/texts/texts.ts';
import type { Outcome, TurnInput } from '../../engine/types.ts';
import { badRequest, unavailable } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { presentMessage } from '../messages/present.ts';
import type { AskBot } from './ask-routes.ts';
import { recordTrace } from './commands.ts';

type Said = Ask['messages'][number];
type Earlier = AskInput['history'][number];

/** What was said in the playground, as the message it would be in a conversation. */
function messageOf({ role, text, choices = [] }: Earlier, at: Date): Message {
  return presentMessage({
    ...{ id: newId(), conversation_id: newId(), seq: 0, type: 'text', text, created_at: at },
    ...{ author_type: role === 'customer' ? 'contact' : 'bot', author_id: null, author_name: null },
    ...{ payload: { choices }, attachments: [], citations: [], private: false, status: 'sent', error: null },
    ...{ turn_id: null, ordinal: null, client_id: null, platform_id: null, edited_at: null, deleted_at: null },
  });
}

function turnOf(
  workspaceId: string,
  bot: Bot,
  input: AskInput,
  said: { messages: Said[]; at: Date; signal: AbortSignal },
): TurnInput {
  const { state } = input;
  const question = 'question' in input ? input.question : '';
  const history = input.history.map((earlier) => messageOf(earlier, said.at));
  const language = languageOf(question, {
    earlier: input.history.filter(({ role }) => role === 'customer').map(({ text }) => text),
    fallbacks: [input.language, bot.languages[0]],
  });
  return {
    ...{ workspaceId, turnId: newId(), bot, history, language, signal: said.signal, ...state },
    contact: { id: newId(), name: '', language: input.language ?? null },
    pending: question === '' ? [] : [messageOf({ role: 'customer', text: question }, said.at)],
    alreadySent: [],
    texts: textsIn(language, bot.texts),
    sourcesAfterwards: true,
    cite(citations) {
      const last = said.messages.at(-1);
      if (last) last.citations = citations;
      return Promise.resolve();
    },
    action: 'action' in input ? input.action : chosenBy(question, history),
  };
}

/** What a handoff would add to a conversation. */
const linesOf = ({ handoff, closing }: Outcome, { texts }: TurnInput): Said[] => {
  if (!handoff) return [];
  const line = (author: Said['author'], text: string): Said => ({ author, text, citations: [], choices: [] });
  return [line('system', texts('handedOver')), ...(closing === null ? [] : [line('bot', closing ?? texts('handoff'))])];
};

/**
 * The playground: the same turn as in a conversation, its answer recorded, and nothing else kept.
 * @throws unavailable with the reason when the model fails, bad-request when it is set up wrongly
 */
export const createAsk =
  ({ store, route }: { store: Store; route: Router }): AskBot =>
  async (workspaceId, bot, input): Promise<Ask> => {
    const messages: Said[] = [];
    const { signal } = new AbortController();
    const turn = turnOf(workspaceId, bot, input, { messages, at: store.clock.now(), signal });
    const outcome = await route(turn, ({ text, citations = [], choices = [] }) => {
      messages.push({ author: 'bot', text, citations, choices });
      return Promise.resolve();
    });
    const { trace, failure, handoff, missed } = outcome;
    const traceId =
      trace &&
      (await store.inWorkspace(workspaceId, (tx) => recordTrace(tx, { workspaceId, botId: bot.id, ...trace })));
    if (failure?.kind === 'rejected') throw badRequest(failure.message);
    if (failure) throw unavailable(failure.message, failure.retryAfterSeconds);
    const { misses, waiting } = turn;
    return {
      answer: messages.map(({ text }) => text).join('\n\n'),
      haveEnoughInformation: trace?.record.outcome === 'answered',
      confidence: trace?.record.confidence ?? 0,
      citations: messages.flatMap(({ citations }) => citations),
      traceId: traceId ?? null,
      messages: [...messages, ...linesOf(outcome, turn)],
      handoff: handoff?.reason ?? null,
      state: {
        misses: handoff ? 0 : missed === undefined ? misses : missed ? misses + 1 : 0,
        waiting: waiting || handoff !== undefined,
      },
    };
  };
