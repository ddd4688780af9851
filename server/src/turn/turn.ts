import { sql } from 'drizzle-orm';
import type { Bot, Message } from '@parley/contract';
import { languageOf } from '../engine/language.ts';
import type { Router } from '../engine/router.ts';
import { questionOf } from '../engine/types.ts';
import type { Outcome, TurnInput } from '../engine/types.ts';
import type { BotDirectory } from '../features/bots/lookup.ts';
import type { ConversationAnnouncer } from '../features/conversations/announce.ts';
import { announceStatus } from '../features/conversations/announce.ts';
import type { QueueAnnouncer } from '../features/handoffs/announce.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/lookup.ts';
import { announceChange, announceMessage } from '../features/messages/announce.ts';
import type { Listeners } from '../features/messages/announce.ts';
import { ofTurn, since } from '../features/messages/queries.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import type { Logger } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import { OUTBOX } from '../platform/outbox.ts';
import { stageTimer } from '../platform/stages.ts';
import { STATEMENT_MS } from '../platform/statement-limits.ts';
import { rooms } from '../platform/realtime.ts';
import type { Live } from '../platform/realtime.ts';
import type { Store } from '../platform/tenant.ts';
import type { Wake } from '../platform/wake.ts';
import { finishTurn } from './finish.ts';
import type { Finish } from './finish.ts';
import { createGiveUp } from './give-up.ts';
import { handOver } from './hand-over.ts';
import { LeaseLost } from './mailbox.ts';
import type { Round } from './mailbox.ts';
import { createSpeaker, TurnStopped } from './respond.ts';
import type { BeginDelivery, Speaker } from './respond.ts';
import { isMessage, storeEvents } from './store-events.ts';
import { HISTORY, storeQuickly } from './store-quickly.ts';
import type { TurnContext } from './store-quickly.ts';
import type { OpenConversation, StoredRound } from './store-events.ts';
import { DELIVERY, TAKEN_OVER, writeLaneKey } from './topics.ts';
import type { Typing } from './typing.ts';

type InConversation = StoredRound & { conversation: OpenConversation };

export type TurnParts = {
  store: Store;
  live: Live;
  wake: Wake;
  log: Logger;
  metrics: Metrics;
  inboxes: InboxDirectory;
  bots: BotDirectory;
  route: Router;
  typing: Typing;
  channelIsLive: (inbox: InboxRuntime) => boolean;
  /** undefined where another process delivers */
  beginDelivery: BeginDelivery | undefined;
  conversations: ConversationAnnouncer;
  queue: QueueAnnouncer;
};

/** Deals with one round of a mailbox: stores what came, and lets the bot answer when it is the bot's to answer. */
export function createTurns(parts: TurnParts) {
  const { store, live, wake, log, metrics } = parts;
  const timed = stageTimer(metrics);
  /** Running turns of this process by conversation, to be stopped when a human takes over. */
  const running = new Map<string, AbortController>();
  const stopListening = wake.on(TAKEN_OVER, (conversationId) => running.get(conversationId)?.abort(new TurnStopped()));

  async function work(round: Round): Promise<{ released: boolean }> {
    const inbox = await parts.inboxes.byId(round.key.workspaceId, round.key.inboxId);
    // A deleted inbox: nobody is left to answer in its name.
    if (!inbox) return finish(round, undefined, { status: 'silent', handler: '' });
    // What was begun is ended first, with the events it was begun for.
    const { interrupted } = round;
    const events = interrupted ? round.events.filter((event) => event.seq <= interrupted.lastEventSeq) : round.events;
    const current = { ...round, events: events.length > 0 ? events : round.events };

    // A turn belongs to its conversation, and what it was begun for is stored there. Once a person has closed that one,
    // nothing of the turn is left to say, and no other conversation is opened for it.
    if (interrupted && events.length > 0 && interrupted.conversationId !== round.conversation?.id)
      return finish(current, interrupted.id, { status: 'stopped', handler: '' });

    const { quick, stored } = await timed('store', async () => {
      const short = await storeQuickly(store, current);
      const long = () =>
        store.inWorkspace(current.key.workspaceId, (tx) => storeEvents(tx, inbox, current), STATEMENT_MS.path);
      return { quick: short, stored: short ?? (await long()) };
    });
    announceStored(current, stored, parts.channelIsLive(inbox) ? 'everybody' : 'agents');
    const { conversation, turn } = stored;
    if (conversation && turn) return takeTurn(current, inbox, { ...stored, conversation }, turn, quick?.context);
    // A turn that was interrupted and is no longer the bot's to go on with ends here, as what became of it.
    const status =
      interrupted && conversation?.status === 'waiting' ? 'handed_off' : interrupted ? 'stopped' : 'silent';
    return finish(current, interrupted?.id, { status, handler: '' });
  }

  function announceStored(round: Round, stored: StoredRound, listeners: Listeners): void {
    for (const message of stored.messages) announceMessage(live, message, listeners);
    for (const message of stored.changed) announceChange(live, message, listeners);
    // A file is fetched at once; other facts can wait for the sweeper's next look.
    if (round.events.some((event) => isMessage(event) && event.event.media.length > 0)) wake.wake(OUTBOX, 'all');
    const { workspaceId } = round.key;
    const touched = [...stored.messages, ...stored.changed].map((message) => message.conversationId);
    if (stored.isNew && stored.conversation) touched.push(stored.conversation.id);
    for (const id of new Set(touched)) parts.conversations.changed(workspaceId, id);
    if (stored.conversation && stored.action === 'end') {
      const conversationId = stored.conversation.id;
      announceStatus(live, { conversationId, status: 'resolved' });
      live.emit(rooms.visitor(conversationId), 'session:closed', { conversationId });
      parts.queue.changed(workspaceId);
    }
  }

  async function takeTurn(
    round: Round,
    inbox: InboxRuntime,
    stored: InConversation,
    turn: { id: string; attempts: number },
    context: TurnContext | undefined,
  ): Promise<{ released: boolean }> {
    const { workspaceId } = round.key;
    const conversationId = stored.conversation.id;
    const started = performance.now();
    const botId = stored.conversation.botId ?? inbox.botId;
    const bot = botId ? await parts.bots.byId(workspaceId, botId) : null;
    const channelIsLive = parts.channelIsLive(inbox);
    const alreadySent = turn.attempts > 1 ? await sentBefore(workspaceId, conversationId, turn.id) : [];
    const taken = new AbortController();
    const signal = AbortSignal.any([round.signal, taken.signal]);
    const speaker = createSpeaker(
      { store, live, wake, log, metrics, beginDelivery: parts.beginDelivery },
      {
        key: round.key,
        conversationId,
        turnId: turn.id,
        lease: round.lease,
        bot: bot ?? { id: null, name: inbox.name },
        channelIsLive,
        alreadySaid: alreadySent.length,
      },
    );

    let ending: Finish;
    running.set(conversationId, taken);
    try {
      const outcome = bot
        ? await answer(round, inbox, stored, bot, { turn, speaker, signal, channelIsLive, alreadySent, context })
        : noBot;
      ending = await conclude(round, stored, outcome, speaker, turn.id, channelIsLive);
    } catch (error) {
      if (!(error instanceof TurnStopped) && signal.reason !== error) throw error;
      // Refused to speak: either the thread is somebody else's now, and the events with it, or a human took over.
      if (round.signal.aborted) throw new LeaseLost();
      ending = { status: 'stopped', handler: '' };
    } finally {
      if (running.get(conversationId) === taken) running.delete(conversationId);
      parts.typing.stop(conversationId);
    }
    speaker.end();
    const finished = await finish(round, turn.id, ending, stored, bot);
    parts.conversations.changed(workspaceId, conversationId);
    const seconds = (performance.now() - started) / 1000;
    const outcome = ending.status;
    metrics.turns.inc({ outcome });
    metrics.turnDuration.observe({ outcome }, seconds);
    metrics.handlerDuration.observe({ handler: ending.handler || 'none' }, seconds);
    for (const { receivedAt } of round.events)
      if (receivedAt !== undefined)
        metrics.messageDuration.observe({ outcome }, Math.max(0, Date.now() - receivedAt) / 1000);
    log.debug(
      { turnId: turn.id, conversationId, handler: ending.handler, outcome, attempts: turn.attempts },
      'a turn ended',
    );
    return finished;
  }

  async function answer(
    round: Round,
    inbox: InboxRuntime,
    stored: InConversation,
    bot: Bot,
    own: {
      turn: { id: string };
      speaker: Speaker;
      signal: AbortSignal;
      channelIsLive: boolean;
      alreadySent: string[];
      context: TurnContext | undefined;
    },
  ): Promise<Outcome> {
    const { workspaceId } = round.key;
    parts.typing.start(stored.conversation.id, inbox, round.key.threadKey, bot.name);
    const context = own.context
      ? { ...own.context, pending: stored.messages }
      : await loadContext(round, stored.conversation, own.turn.id);
    const input: TurnInput = {
      workspaceId,
      conversationId: stored.conversation.id,
      turnId: own.turn.id,
      bot,
      contact: context.contact,
      pending: context.pending,
      history: context.history,
      alreadySent: own.alreadySent,
      signal: own.signal,
      language: 'en',
      sourcesAfterwards: own.channelIsLive,
      cite: (citations) => own.speaker.cite(citations),
      action: stored.action,
    };
    input.language = languageOf(questionOf(input), context.contact.language, bot.languages[0]);
    return parts.route(input, (saying) => {
      own.signal.throwIfAborted();
      return own.speaker.say(saying);
    });
  }

  /** What the outcome means for the conversation: nothing more, or a place in the queue. */
  async function conclude(
    round: Round,
    stored: InConversation,
    outcome: Outcome,
    speaker: Speaker,
    turnId: string,
    channelIsLive: boolean,
  ): Promise<Finish> {
    const { handler, trace } = outcome;
    if (!outcome.handoff) return { status: outcome.silent ? 'silent' : 'answered', handler, trace };
    const { workspaceId } = round.key;
    const language = languageOf(outcome.handoff.question ?? '', 'en');
    const handed = await store.inWorkspace(workspaceId, (tx) =>
      handOver(tx, { workspaceId, conversationId: stored.conversation.id }, outcome, {
        lease: round.lease,
        turnId,
        ordinal: speaker.said(),
        language,
        deliver: !channelIsLive,
      }),
    );
    if (!handed) throw new TurnStopped();
    for (const message of handed.messages) announceMessage(live, message, channelIsLive ? 'everybody' : 'agents');
    if (!channelIsLive) wake.wake(DELIVERY, writeLaneKey({ workspaceId, threadId: round.lease.threadId }));
    metrics.handoffs.inc({ reason: outcome.handoff.reason });
    parts.queue.changed(workspaceId);
    live.emit(rooms.workspace(workspaceId), 'notification', {
      kind: outcome.handoff.reason,
      title: outcome.handoff.question?.slice(0, 140) ?? 'A customer waits for a person',
      conversationId: stored.conversation.id,
    });
    return { status: 'handed_off', handler, trace };
  }

  async function sentBefore(workspaceId: string, conversationId: string, turnId: string): Promise<string[]> {
    const messages = await store.inWorkspace(workspaceId, (tx) => ofTurn(tx, conversationId, turnId));
    return messages.map((message) => message.text);
  }

  /** What the quick way has read already: the contact, what is asked and what was said before. */
  async function loadContext(
    round: Round,
    conversation: OpenConversation,
    turnId: string,
  ): Promise<TurnContext & { pending: Message[] }> {
    const ids = new Set(round.events.map((event) => event.id));
    const [row] = await store.once<{ contact: TurnInput['contact'] | null; messages: MessageRow[] | null }>(
      round.key.workspaceId,
      sql`select
        (select to_json(p) from (select id, name, language from contacts where id = ${conversation.contactId}::uuid) p) as contact,
        (select json_agg(m order by m.seq) from (
          select * from messages where conversation_id = ${conversation.id}::uuid and ${since(conversation.id)} and not private
            and turn_id is distinct from ${turnId}::uuid
          order by seq desc limit ${HISTORY + ids.size}) m) as messages`,
    );
    const messages = (row?.messages ?? []).map(presentMessage);
    return {
      contact: row?.contact ?? { id: conversation.contactId, name: '', language: null },
      pending: messages.filter((message) => ids.has(message.id)),
      history: messages.filter((message) => !ids.has(message.id)).slice(-HISTORY),
    };
  }

  async function finish(
    round: Round,
    turnId: string | undefined,
    ending: Finish,
    stored?: InConversation,
    bot?: Bot | null,
  ): Promise<{ released: boolean }> {
    const held = await timed('finish', () =>
      finishTurn(store, round, turnId, ending, { conversationId: stored?.conversation.id, botId: bot?.id }),
    );
    if (!held) throw new LeaseLost();
    return held;
  }

  return {
    work,
    giveUp: createGiveUp(parts),
    close: stopListening,
  };
}

const noBot: Outcome = { handler: 'none', handoff: { reason: 'NO_BOT', detail: 'This inbox has no bot.' } };
