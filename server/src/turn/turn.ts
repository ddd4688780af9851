import { sql } from 'drizzle-orm';
import type { Bot, ChannelName, Message } from '@parley/contract';
import { isLive } from '../channels/registry.ts';
import { languageOf } from '../engine/language.ts';
import { chosenBy, questionOf, wordsOf } from '../engine/question.ts';
import type { Router } from '../engine/router.ts';
import { textsIn } from '../engine/texts/texts.ts';
import type { Say } from '../engine/texts/texts.ts';
import type { Outcome, TurnInput } from '../engine/types.ts';
import type { BotDirectory } from '../features/bots/directory.ts';
import { conversationTouched } from '../features/conversations/changes.ts';
import { findConversation } from '../features/conversations/queries.ts';
import { BOT_INTERRUPTED } from '../features/conversations/topics.ts';
import { changesOfMove } from '../features/handoffs/changes.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/directory.ts';
import { deliveryDue, factsUrgent, messageStored, messageUpdated } from '../features/messages/changes.ts';
import { ofTurn, since } from '../features/messages/queries.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { stageTimer } from '../ai/stages.ts';
import { turnMetrics } from './metrics.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import { HISTORY, nothingSaid } from './context.ts';
import type { TurnContext } from './context.ts';
import { isMessage, storeEvents } from './events.ts';
import type { StoredRound } from './events.ts';
import { createDeadLetter, finishTurn, requestHandoffWithClosing } from './finish.ts';
import type { Finish } from './finish.ts';
import { LeaseLost } from './lease.ts';
import type { Round } from './mailbox.ts';
import { createResponder, TurnStopped } from './respond.ts';
import type { BeginDelivery, Responder, Typing } from './respond.ts';
import type { OpenConversation } from './threads.ts';

// Foreign tables: contacts, conversations, messages. The hot path reads and writes in one statement.
// Real time (1): how long the machinery lets wait.

type InConversation = StoredRound & { conversation: OpenConversation };

export type TurnDeps = {
  store: Store;
  publish: Publish;
  wake: Wake;
  log: Logger;
  metrics: Metrics;
  inboxes: InboxDirectory;
  bots: BotDirectory;
  route: Router;
  typing: Typing;
  /** undefined where another process delivers */
  beginDelivery: BeginDelivery | undefined;
};

/** Deals with one round of a mailbox: stores what came, and lets the bot answer when it is the bot's to answer. */
export function createTurns(deps: TurnDeps) {
  const { store, publish, wake, log, metrics } = deps;
  const timed = stageTimer(metrics);
  const counted = metrics.of(turnMetrics);
  /** Running turns of this process by conversation, to be stopped when a human takes over. */
  const running = new Map<string, AbortController>();
  const stopListening = wake.on(BOT_INTERRUPTED, (conversationId) =>
    running.get(conversationId)?.abort(new TurnStopped()),
  );

  async function work(round: Round): Promise<{ released: boolean }> {
    const inbox = await deps.inboxes.byId(round.key.workspaceId, round.key.inboxId);
    // A deleted inbox answers nothing.
    if (!inbox) return finish(round, undefined, { status: 'silent', handler: '' });
    // What was begun is ended first, with the events it was begun for.
    const { interrupted } = round;
    const events = interrupted ? round.events.filter((event) => event.seq <= interrupted.lastEventSeq) : round.events;
    const current = { ...round, events: events.length > 0 ? events : round.events };

    // A turn belongs to its conversation, and what it was begun for is stored there. Once a person has closed that one,
    // nothing of the turn is sent any more, and no other conversation is begun for it.
    if (interrupted && events.length > 0 && interrupted.conversationId !== round.conversation?.id)
      return finish(current, interrupted.id, { status: 'stopped', handler: '' });

    const stored = await timed('store', () => storeEvents(store, inbox, current));
    publishStored(current, stored, inbox.channel);
    const { conversation, turn } = stored;
    if (turn && isTakenBack(current, stored)) return finish(current, turn.id, { status: 'silent', handler: '' });
    if (conversation && turn) return takeTurn(current, inbox, { ...stored, conversation }, turn);
    // A turn that was interrupted and is no longer the bot's to go on with ends here, as what became of it.
    const status =
      interrupted && conversation?.status === 'waiting' ? 'handed_off' : interrupted ? 'stopped' : 'silent';
    return finish(current, interrupted?.id, { status, handler: '' });
  }

  function publishStored(round: Round, stored: StoredRound, channel: ChannelName): void {
    const { workspaceId } = round.key;
    const touched = [...stored.messages, ...stored.updated].map((message) => message.conversationId);
    if (stored.isNew && stored.conversation) touched.push(stored.conversation.id);
    publish([
      ...stored.messages.map((message) => messageStored(workspaceId, { message, channel })),
      ...stored.updated.map((message) => messageUpdated(workspaceId, { message, channel })),
      ...[...new Set(touched)].map((conversationId) => conversationTouched(workspaceId, { conversationId })),
      ...stored.changes,
      // A file is fetched at once.
      ...(round.events.some((event) => isMessage(event) && event.event.media.length > 0)
        ? [factsUrgent(workspaceId)]
        : []),
    ]);
  }

  async function takeTurn(
    round: Round,
    inbox: InboxRuntime,
    stored: InConversation,
    turn: { id: string; attempts: number },
  ): Promise<{ released: boolean }> {
    const { workspaceId } = round.key;
    const conversationId = stored.conversation.id;
    const started = performance.now();
    const botId = stored.conversation.botId ?? inbox.botId;
    const bot = botId ? await deps.bots.byId(workspaceId, botId) : null;
    const channelIsLive = isLive(inbox.channel);
    const alreadySent = turn.attempts > 1 ? await sentBefore(workspaceId, conversationId, turn.id) : [];
    const taken = new AbortController();
    const signal = AbortSignal.any([round.signal, taken.signal]);
    const responder = createResponder(
      { store, publish, log, metrics, beginDelivery: deps.beginDelivery },
      {
        key: round.key,
        conversationId,
        turnId: turn.id,
        lease: round.lease,
        bot: bot ?? { id: null, name: inbox.name },
        channel: inbox.channel,
        alreadySent: alreadySent.length,
      },
    );

    let ending: Finish;
    let texts = textsIn('en', bot?.texts);
    running.set(conversationId, taken);
    try {
      const own = { turn, responder, signal, channelIsLive, alreadySent };
      const input = bot && (await prepare(round, inbox, stored, bot, own));
      if (input) texts = input.texts;
      const outcome = input ? await answer(input, responder) : noBot;
      ending = await conclude(round, stored, outcome, texts, responder, turn.id, inbox.channel);
      if (input) ending = { ...ending, language: input.language, misses: missesAfter(input, outcome) };
    } catch (error) {
      if (!(error instanceof TurnStopped) && signal.reason !== error) throw error;
      // Refused: either another process has the thread now, and the events with it, or a human took over.
      if (round.signal.aborted) throw new LeaseLost();
      ending = { status: 'stopped', handler: '' };
    } finally {
      if (running.get(conversationId) === taken) running.delete(conversationId);
      deps.typing.stop(conversationId);
    }
    responder.end();
    const finished = await finish(round, turn.id, ending, stored, bot);
    publish([conversationTouched(workspaceId, { conversationId })]);
    const seconds = (performance.now() - started) / 1000;
    const outcome = ending.status;
    counted.turns.inc({ outcome });
    counted.turnDuration.observe({ outcome }, seconds);
    counted.handlerDuration.observe({ handler: ending.handler || 'none' }, seconds);
    for (const { receivedAt } of round.events)
      if (receivedAt !== undefined)
        counted.messageDuration.observe({ outcome }, Math.max(0, Date.now() - receivedAt) / 1000);
    log.debug(
      { turnId: turn.id, conversationId, handler: ending.handler, outcome, attempts: turn.attempts },
      'a turn ended',
    );
    return finished;
  }

  async function prepare(
    round: Round,
    inbox: InboxRuntime,
    stored: InConversation,
    bot: Bot,
    own: {
      turn: { id: string };
      responder: Responder;
      signal: AbortSignal;
      channelIsLive: boolean;
      alreadySent: string[];
    },
  ): Promise<TurnInput> {
    const { workspaceId } = round.key;
    deps.typing.start(stored.conversation.id, inbox, round.key.threadKey, bot.name);
    const context = stored.context
      ? { ...stored.context, pending: stored.messages }
      : await loadContext(round, stored, own.turn.id);
    const { pending, action } = withoutStart(round, context.pending, stored.action);
    const { contact } = context;
    const history = await withQuoted(workspaceId, pending, context.history);
    const { language: before, misses } = context.own;
    const question = questionOf({ pending });
    const language = languageOf(question, {
      earlier: history.filter(({ author }) => author.type === 'contact').map(wordsOf),
      fallbacks: [before, contact.language, bot.languages[0]],
    });
    return {
      workspaceId,
      turnId: own.turn.id,
      bot,
      ...{ contact, pending, history, language, misses },
      alreadySent: own.alreadySent,
      signal: own.signal,
      texts: textsIn(language, bot.texts),
      waiting: stored.conversation.status === 'waiting',
      sourcesAfterwards: own.channelIsLive,
      cite: (citations) => own.responder.cite(citations),
      action: action ?? chosenBy(question, context.history),
    };
  }

  const answer = (input: TurnInput, responder: Responder): Promise<Outcome> =>
    deps.route(input, (paragraph) => {
      input.signal.throwIfAborted();
      return responder.respond(paragraph, input.texts);
    });

  /** What the outcome means for the conversation: nothing more, or a handoff. */
  async function conclude(
    round: Round,
    stored: InConversation,
    outcome: Outcome,
    texts: Say,
    responder: Responder,
    turnId: string,
    channel: ChannelName,
  ): Promise<Finish> {
    const { handler, trace } = outcome;
    if (!outcome.handoff) return { status: outcome.silent ? 'silent' : 'answered', handler, trace };
    const { workspaceId } = round.key;
    const { id: conversationId } = stored.conversation;
    const handoff = await store.inWorkspace(workspaceId, async (tx) => {
      const requested = await requestHandoffWithClosing(tx, { workspaceId, conversationId }, outcome, {
        lease: round.lease,
        turnId,
        ordinal: responder.paragraphs(),
        texts,
        deliver: !isLive(channel),
      });
      return requested && { ...requested, conversation: await findConversation(tx, conversationId) };
    });
    if (!handoff) throw new TurnStopped();
    const { conversation, messages } = handoff;
    publish([
      ...changesOfMove(workspaceId, { conversation, messages, request: outcome.handoff }),
      ...(isLive(channel) ? [] : [deliveryDue(workspaceId, { threadId: round.lease.threadId })]),
    ]);
    return { status: 'handed_off', handler, trace };
  }

  async function sentBefore(workspaceId: string, conversationId: string, turnId: string): Promise<string[]> {
    const messages = await store.inWorkspace(workspaceId, (tx) => ofTurn(tx, conversationId, turnId));
    return messages.map((message) => message.text);
  }

  /** Where it was not read with what was stored: the contact, what is asked and the history. */
  async function loadContext(
    round: Round,
    { conversation, again = [] }: InConversation,
    turnId: string,
  ): Promise<TurnContext & { pending: Message[] }> {
    const ids = new Set([...round.events, ...again].map(({ id }) => id));
    const [row] = await store.once<{
      contact: TurnInput['contact'] | null;
      own: TurnContext['own'] | null;
      messages: MessageRow[] | null;
    }>(
      round.key.workspaceId,
      sql`select
        (select to_json(p) from (select id, name, language from contacts where id = ${conversation.contactId}::uuid) p) as contact,
        (select to_json(c) from (select language, misses from conversations where id = ${conversation.id}::uuid) c) as own,
        (select json_agg(m order by m.seq) from (
          select * from messages where conversation_id = ${conversation.id}::uuid and ${since(conversation.id)} and not private
            and turn_id is distinct from ${turnId}::uuid
          order by seq desc limit ${HISTORY + ids.size}) m) as messages`,
    );
    const messages = (row?.messages ?? []).map(presentMessage);
    return {
      contact: row?.contact ?? { id: conversation.contactId, name: '', language: null },
      own: row?.own ?? nothingSaid,
      pending: messages.filter((message) => ids.has(message.id)),
      history: messages.filter((message) => !ids.has(message.id)).slice(-HISTORY),
    };
  }

  /** What the customer answers is the last the bot reads before, however long ago it was said. */
  async function withQuoted(workspaceId: string, pending: Message[], history: Message[]): Promise<Message[]> {
    const ids = pending.flatMap(({ replyToId, quote }) => (replyToId && !quote ? [replyToId] : []));
    const rows =
      ids.length > 0
        ? await store.once<MessageRow>(
            workspaceId,
            sql`select * from messages where id = any(${sql.param(ids)}::uuid[]) and not private and deleted_at is null order by id`,
          )
        : [];
    const quoted = [
      ...rows.map(presentMessage),
      ...pending.flatMap((message): Message[] => {
        const { quote } = message;
        return quote
          ? [{ ...message, text: quote.text, author: { type: quote.author ?? 'bot', id: null, name: null } }]
          : [];
      }),
    ];
    return [...history, ...quoted.filter(({ id, quote }) => quote !== null || id !== history.at(-1)?.id)];
  }

  async function finish(
    round: Round,
    turnId: string | undefined,
    ending: Finish,
    stored?: InConversation,
    bot?: Bot | null,
  ): Promise<{ released: boolean }> {
    const finished = await timed('finish', () =>
      finishTurn(store, round, turnId, ending, { conversationId: stored?.conversation.id, botId: bot?.id }),
    );
    if (!finished) throw new LeaseLost();
    return finished;
  }

  return {
    work,
    deadLetter: createDeadLetter(deps),
    close: stopListening,
  };
}

/** `/start` is no question: beside other words it says nothing. */
function withoutStart(
  round: Round,
  pending: Message[],
  action: TurnInput['action'],
): { pending: Message[]; action: TurnInput['action'] } {
  const starts = new Set(
    round.events.flatMap(({ id, event }) => (event.kind === 'message' && event.action === 'start' ? [id] : [])),
  );
  const others = pending.filter(({ id }) => !starts.has(id));
  if (action !== 'start' || others.length === 0) return { pending, action };
  return { pending: others, action: undefined };
}

/** Everything the turn would answer was deleted by the customer meanwhile. */
const isTakenBack = ({ events }: Round, { updated, again = [] }: StoredRound): boolean => {
  const deleted = new Set(updated.flatMap((message) => (message.deleted ? [message.id] : [])));
  return again.length === 0 && deleted.size > 0 && events.filter(isMessage).every(({ id }) => deleted.has(id));
};

/** Misses in a row after this turn; undefined when they are as many as before. */
function missesAfter({ misses }: TurnInput, { missed }: Outcome): number | undefined {
  const after = missed === undefined ? misses : missed ? misses + 1 : 0;
  return after === misses ? undefined : after;
}

const noBot: Outcome = { handler: 'none', handoff: { reason: 'NO_BOT', detail: 'This inbox has no bot.' } };
