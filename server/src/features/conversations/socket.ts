import { AdminEvents, AgentEvents } from '@parley/contract';
import type { Permission, Stats } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { forbidden, notFound, unauthorized } from '../../platform/errors.ts';
import type { Actor, SignedIn } from '../../platform/http/index.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import type { Pressure } from '../../platform/limits/pressure.ts';
import type { EmitTyping } from '../../platform/publish/typing.ts';
import type { RealtimeSocket } from '../../platform/sockets/realtime.ts';
import { bindEvents } from '../../platform/sockets/socket-events.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { Tracing } from '../../platform/telemetry/tracing.ts';
import { listQueue, placeInQueue } from '../handoffs/queries.ts';
import type { Desk } from './desk.ts';
import { assertConversation, findConversation } from './queries.ts';

// Foreign tables: handoffs, memberships. They are counted, in one statement.

const needed: Record<keyof typeof AgentEvents | keyof typeof AdminEvents, Permission> = {
  'agent:join': 'conversations:read',
  'agent:pickup_session': 'handoffs:write',
  'agent:send_message': 'conversations:write',
  'agent:typing': 'conversations:write',
  'agent:close_session': 'conversations:write',
  'conversation:subscribe': 'conversations:read',
  'conversation:unsubscribe': 'conversations:read',
  'admin:get_stats': 'operations:read',
  'admin:debug_queue': 'operations:read',
  'admin:health_check': 'operations:read',
};

export type AgentSocketParts = {
  store: Store;
  emitTyping: EmitTyping;
  log: Logger;
  tracing: Tracing;
  pressure: Pick<Pressure, 'admit'>;
  desk: Desk;
  visitorsConnected: (workspaceId: string) => Promise<number>;
  setPresence: (actor: Pick<Actor, 'workspaceId' | 'userId'>, presence: 'online' | 'idle' | 'offline') => Promise<void>;
  health: (signedIn: SignedIn & { workspaceId: string }) => Promise<unknown>;
  /** who the socket's token stands for now; null once the login or the membership ended */
  current: () => Promise<SignedIn | null>;
};

/** A colleague's socket: the same commands as over REST, asked for permission at every event. */
export function bindAgent(parts: AgentSocketParts, socket: RealtimeSocket, actor: Actor): void {
  const { store, desk } = parts;
  const { workspaceId } = actor;
  const person = { workspaceId, userId: actor.userId, name: actor.name };

  async function stats(): Promise<Stats> {
    const { rows } = await store.inWorkspace(workspaceId, (tx) =>
      tx.execute<{ waiting: number; open: number; online: number; longest: number }>(sql`
        select (select count(*)::int from handoffs where status = 'waiting') as waiting,
          (select count(*)::int from conversations where status <> 'resolved') as open,
          (select count(*)::int from memberships where presence = 'online' and removed_at is null) as online,
          (select coalesce(extract(epoch from ${tx.now}::timestamptz - min(waiting_since)), 0)::int from handoffs where status = 'waiting') as longest`),
    );
    const row = rows[0];
    return {
      waiting: row?.waiting ?? 0,
      openConversations: row?.open ?? 0,
      agentsOnline: row?.online ?? 0,
      visitorsConnected: await parts.visitorsConnected(workspaceId),
      longestWaitSeconds: row?.longest ?? 0,
      at: store.clock.now().toISOString(),
    };
  }

  bindEvents({
    socket,
    schemas: { ...AgentEvents, ...AdminEvents },
    log: parts.log,
    tracing: parts.tracing,
    workspaceId,
    admit: async (event) => {
      parts.pressure.admit('ordinary');
      const signedIn = await parts.current();
      if (!signedIn || signedIn.workspaceId !== workspaceId) {
        socket.disconnect(true);
        throw unauthorized();
      }
      const permission = needed[event as keyof typeof needed];
      if (!signedIn.permissions.has(permission)) throw forbidden();
    },
    handlers: {
      'agent:join': async ({ status }) => {
        if (status) await parts.setPresence(actor, status);
        const handoffs = await store.inWorkspace(workspaceId, (tx) => listQueue(tx));
        socket.emit('queue:update', { handoffs });
        const now = await stats();
        socket.emit('stats:update', now);
        return now;
      },
      'agent:pickup_session': async ({ conversationId }) => {
        const waiting = await store.inWorkspace(workspaceId, async (tx) => {
          await findConversation(tx, conversationId);
          return placeInQueue(tx, conversationId);
        });
        if (!waiting) throw notFound('A waiting handoff of this conversation');
        return desk.pickUp(person, waiting.id);
      },
      'agent:send_message': async ({ conversationId, text, clientId }) =>
        desk.reply(person, conversationId, { text, clientId, private: false, attachmentIds: [] }),
      'agent:typing': async ({ conversationId, typing }) => {
        await assertConversation(store, workspaceId, conversationId);
        parts.emitTyping({ conversationId, who: 'agent', name: actor.name, typing });
        return undefined;
      },
      'agent:close_session': async ({ conversationId }) => desk.resolve(person, conversationId),
      'conversation:subscribe': async ({ conversationId }) => {
        const conversation = await store.inWorkspace(workspaceId, (tx) => findConversation(tx, conversationId));
        await socket.join(rooms.conversation(conversationId));
        return conversation;
      },
      'conversation:unsubscribe': async ({ conversationId }) => {
        await socket.leave(rooms.conversation(conversationId));
        return undefined;
      },
      'admin:get_stats': stats,
      'admin:debug_queue': async () => ({ handoffs: await store.inWorkspace(workspaceId, (tx) => listQueue(tx)) }),
      'admin:health_check': async () => {
        const signedIn = await parts.current();
        if (signedIn?.workspaceId !== workspaceId) throw unauthorized();
        return parts.health({ ...signedIn, workspaceId });
      },
    },
  });
}
