import { visitorEvents as contract } from '@parley/contract';
import type { ConversationStatus, InboxSettings, Message, SessionCreated } from '@parley/contract';
import { sql } from 'drizzle-orm';
import type { Inbound } from '../../channels/contract.ts';
import { parseVisitorEvent } from '../../channels/web/parse.ts';
import type { Visitor, WebEvent } from '../../channels/web/parse.ts';
import { conflict, notFound, tooMany, toProblem, unauthorized } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Limiter } from '../../platform/limits/limiter.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import type { EmitTyping } from '../../platform/publish/typing.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import { visitorEvents } from '../../platform/sockets/socket-events.ts';
import type { VisitorEvents, VisitorSocket } from '../../platform/sockets/socket-events.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { textsIn } from '../../engine/texts/texts.ts';
import type { BotDirectory } from '../bots/directory.ts';
import { describeContact, identifyContact } from '../contacts/commands.ts';
import { endedVisitor, visitorHasEnded } from '../contacts/queries.ts';
import { conversationTouched } from '../conversations/changes.ts';
import { findOrCreateConversation } from '../conversations/commands.ts';
import { findConversation } from '../conversations/queries.ts';
import { reopenUntil } from '../conversations/present.ts';
import { resolveVisitorAttachments } from '../files/commands.ts';
import { placeInQueue } from '../handoffs/queries.ts';
import { identitySecretOf } from '../inboxes/directory.ts';
import type { InboxRuntime } from '../inboxes/directory.ts';
import { after } from '../messages/queries.ts';
import { presentToVisitor } from '../messages/present.ts';
import { readIdentity } from './identity.ts';
import type { VisitorTokens } from './token.ts';

// Foreign tables: conversations, inboxes, threads. What a visitor may see is decided by one statement.

const MISSED_AT_MOST = 200;

declare module '../../platform/sockets/socket-events.ts' {
  interface VisitorSocket {
    inbox: InboxRuntime;
    visitor: Visitor;
    address: string;
    /** the conversation this socket was let into */
    own: string | undefined;
  }
}

export type VisitorParts = {
  store: Store;
  emitTyping: EmitTyping;
  bots: BotDirectory;
  tokens: VisitorTokens;
  receive: (inbox: InboxRuntime, events: Inbound[]) => Promise<unknown>;
  publish: Publish;
  /** messages per visitor */
  messageLimit: Limiter;
  /** new conversations per address */
  startLimit: Limiter;
};

/** The state of a conversation, if it is this visitor's. @throws not-found */
async function visitorConversation(
  tx: Tx,
  inboxId: string,
  visitorId: string,
  conversationId: string,
): Promise<{ status: ConversationStatus; reopenUntil: string | null }> {
  const { rows } = await tx.execute<OwnRow>(sql`
    select c.status, c.resolved_at, i.settings, i.deleted_at is not null as deleted
    from conversations c join threads t on t.id = c.thread_id join inboxes i on i.id = c.inbox_id
    where c.id = ${conversationId}::uuid and t.inbox_id = ${inboxId}::uuid and t.thread_key = ${visitorId}
      and not exists (${endedVisitor(inboxId, visitorId)})`);
  if (!rows[0]) throw notFound('The conversation');
  return { status: rows[0].status, reopenUntil: reopenUntilOf(rows[0]) };
}

type OwnRow = {
  status: ConversationStatus;
  resolved_at: Date | string | null;
  settings: Partial<InboxSettings>;
  deleted: boolean;
};
/** Until when the visitor's words reopen it, as the desk says it. */
const reopenUntilOf = ({ status, resolved_at, settings, deleted }: OwnRow): string | null =>
  deleted ? null : reopenUntil(status, resolved_at, settings);

const inOwn = ({ own }: VisitorSocket, conversationId: string): void => {
  if (conversationId !== own) throw notFound('The conversation');
};

/** Whether the time in which a message reopens an ended conversation is over, or never was. */
const isOver = (until: string | null, now: Date): boolean => until === null || Date.parse(until) <= now.getTime();

/**
 * Listens to a conversation of this visitor. An ended one can be read to its end; only an open one, or one that a message
 * reopens, is listened to.
 */
async function listen(
  at: VisitorSocket,
  conversationId: string,
  status: ConversationStatus,
  over = true,
): Promise<void> {
  if (at.own || (status === 'resolved' && over)) return;
  at.own = conversationId;
  await at.socket.join(rooms.visitor(conversationId));
}

/** Listens again to the conversation of a connection that was lost. False: it is not this visitor's. */
export async function goOn(store: Store, at: VisitorSocket, conversationId: string): Promise<boolean> {
  const { inbox, visitor } = at;
  try {
    const { status, reopenUntil: until } = await store.inWorkspace(inbox.workspaceId, (tx) =>
      visitorConversation(tx, inbox.id, visitor.id, conversationId),
    );
    await listen(at, conversationId, status, isOver(until, store.clock.now()));
    return true;
  } catch (error) {
    if (toProblem(error).status === 404) return false;
    throw error;
  }
}

/** A visitor sees their own conversation and no other. */
export function visitorSocketEvents(parts: VisitorParts): VisitorEvents {
  const { store } = parts;

  const send = ({ inbox, visitor }: VisitorSocket, event: WebEvent, payload: unknown) =>
    parts.receive(inbox, [parseVisitorEvent(event, payload, { visitor, eventId: newId(), at: store.clock.now() })]);

  const emitTyping = (conversationId: string, typing: boolean): void =>
    parts.emitTyping({ conversationId, who: 'contact', name: null, typing });
  /** those who were seen writing */
  const writing = new WeakSet<VisitorSocket['socket']>();

  async function enter(
    at: VisitorSocket,
    said: { name?: string; email?: string; metadata?: Record<string, string> },
  ): Promise<SessionCreated> {
    const { socket, inbox, visitor } = at;
    const { workspaceId } = inbox;
    if (!at.own) {
      const { allow, retryAfterSeconds } = await parts.startLimit.take(at.address);
      if (!allow) throw tooMany(retryAfterSeconds);
    }
    const { found, created, place, lastSeq, agentName } = await store.inWorkspace(workspaceId, async (tx) => {
      // A socket that was let in a moment before the end, and is about to be cut.
      if (await visitorHasEnded(tx, inbox.id, visitor.id)) throw unauthorized('This chat has ended.');
      const { conversation: found, created } = await findOrCreateConversation(
        tx,
        { workspaceId, inboxId: inbox.id, botId: inbox.botId },
        visitor.id,
        {
          externalId: visitor.id,
          name: said.name,
          email: said.email,
          language: said.metadata?.['language']?.slice(0, 35),
          metadata: said.metadata,
        },
      );
      await describeContact(tx, found.contactId, said);
      const conversation = await findConversation(tx, found.id);
      const waiting = conversation.status === 'waiting' ? await placeInQueue(tx, found.id) : undefined;
      return {
        found,
        created,
        place: waiting,
        lastSeq: conversation.lastSeq,
        agentName: conversation.assignee?.name ?? null,
      };
    });
    const conversationId = found.id;
    if (at.own && at.own !== conversationId) await socket.leave(rooms.visitor(at.own));
    at.own = conversationId;
    await socket.join(rooms.visitor(conversationId));
    if (created) parts.publish([conversationTouched(workspaceId, { conversationId })]);
    const bot = inbox.botId ? await parts.bots.byId(workspaceId, inbox.botId) : null;
    return {
      conversationId,
      visitor: await parts.tokens.issue({ visitorId: visitor.id, inboxId: inbox.id }),
      status: found.status,
      greeting: bot ? bot.greeting || textsIn(said.metadata?.['language'] ?? bot.languages[0], bot.texts)('hello') : '',
      suggestedQuestions: bot?.suggestedQuestions ?? [],
      lastSeq,
      agentName: found.status === 'agent' ? agentName : null,
      position: place?.position ?? null,
      expectedWait: place?.expectedWait ?? null,
      expectedWaitSeconds: place?.expectedWaitSeconds ?? null,
    };
  }

  /**
   * What the visitor may still do with the conversation. An ended one takes words while they reopen it; a message to one that
   * is over would start another unseen.
   */
  async function stillOpen(
    at: VisitorSocket,
    conversationId: string,
    words?: { attachmentIds?: string[] | undefined },
  ): Promise<void> {
    inOwn(at, conversationId);
    const { inbox, visitor } = at;
    const { allow, retryAfterSeconds } = await parts.messageLimit.take(visitor.id);
    if (!allow) throw tooMany(retryAfterSeconds);
    await store.inWorkspace(inbox.workspaceId, async (tx) => {
      const { rows } = await tx.execute<OwnRow & { ended: boolean; newer: boolean }>(sql`
        select exists (${endedVisitor(inbox.id, visitor.id)}) as ended, c.status, c.resolved_at, i.settings,
          i.deleted_at is not null as deleted, exists (select 1 from conversations o
            where o.thread_id = c.thread_id and o.status <> 'resolved' and o.id <> c.id) as newer
        from conversations c join inboxes i on i.id = c.inbox_id where c.id = ${conversationId}::uuid`);
      const [now] = rows;
      // The word that cuts this socket may be lost on its way from another process.
      if (now?.ended) {
        at.socket.disconnect(true);
        throw unauthorized('This chat has ended.');
      }
      const goesOn =
        now?.status !== 'resolved' || (words !== undefined && !now.newer && !isOver(reopenUntilOf(now), tx.now));
      if (!goesOn) throw conflict('This conversation has ended. Start a new one.');
      const attachmentIds = words?.attachmentIds ?? [];
      if (attachmentIds.length > 0) await resolveVisitorAttachments(tx, conversationId, attachmentIds);
    });
  }

  return visitorEvents(contract, {
    'customer:start_chat': {
      async handle(said, at) {
        const session = await enter(at, said);
        at.socket.emit('session:created', session);
        return session;
      },
    },
    'customer:identify': {
      async handle(said, { own, inbox, visitor }) {
        if (!own) throw notFound('The conversation');
        const { workspaceId, id: inboxId } = inbox;
        const introduction = await readIdentity(said, identitySecretOf(inbox.credentials), store.clock.now());
        await store.inWorkspace(workspaceId, (tx) =>
          identifyContact(tx, { inboxId, visitorId: visitor.id }, introduction),
        );
        parts.publish([conversationTouched(workspaceId, { conversationId: own })]);
        return { verified: introduction.userId !== undefined };
      },
    },
    'customer:send_message': {
      async handle(payload, at) {
        await stillOpen(at, payload.conversationId, payload);
        await send(at, 'customer:send_message', payload);
        if (writing.has(at.socket)) emitTyping(payload.conversationId, false);
        return { clientId: payload.clientId };
      },
    },
    'customer:request_agent': {
      async handle(payload, at) {
        await stillOpen(at, payload.conversationId);
        await send(at, 'customer:request_agent', payload);
        return undefined;
      },
    },
    'customer:end_chat': {
      async handle(payload, at) {
        await stillOpen(at, payload.conversationId);
        await send(at, 'customer:end_chat', payload);
        return undefined;
      },
    },
    'customer:typing': {
      async handle({ conversationId, typing }, at) {
        inOwn(at, conversationId);
        emitTyping(conversationId, typing);
        // Whoever is gone does not write any more.
        if (typing && !writing.has(at.socket)) {
          writing.add(at.socket);
          at.socket.once('disconnect', () => at.own && emitTyping(at.own, false));
        }
        return undefined;
      },
    },
    'customer:resume': {
      async handle({ conversationId, after: seq }, at) {
        const { inbox, visitor } = at;
        const {
          status,
          reopenUntil: until,
          messages,
        } = await store.inWorkspace(inbox.workspaceId, async (tx) => {
          const found = await visitorConversation(tx, inbox.id, visitor.id, conversationId);
          return { ...found, messages: await after(tx, conversationId, seq, MISSED_AT_MOST) };
        });
        await listen(at, conversationId, status, isOver(until, store.clock.now()));
        return {
          status,
          reopenUntil: until,
          messages: messages.filter((message: Message) => !message.private).map(presentToVisitor),
        };
      },
    },
  });
}
