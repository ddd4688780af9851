import { forbidden, tooMany, toProblem, unauthorized } from '../../platform/errors.ts';
import { bucketOf } from '../../platform/http/proxies.ts';
import type { Proxies } from '../../platform/http/proxies.ts';
import type { Limiter } from '../../platform/limits/limiter.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Pressure } from '../../platform/limits/pressure.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import type { Realtime, RealtimeSocket } from '../../platform/sockets/realtime.ts';
import type { Claim } from '../../platform/sockets/recovery.ts';
import { bindEvents } from '../../platform/sockets/socket-events.ts';
import type { AgentEvents, AgentSocket, VisitorEvents, VisitorSocket } from '../../platform/sockets/socket-events.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { Tracing } from '../../platform/telemetry/tracing.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import type { Wake } from '../../platform/cluster/wake.ts';
import type { Actor } from '../../platform/http/index.ts';
import type { InboxDirectory, InboxRuntime } from '../inboxes/directory.ts';
import { MEMBERSHIP_CHANGED, parseMembershipKey } from '../members/topics.ts';
import { endedAmong } from '../contacts/queries.ts';
import { SESSION_REVOKED } from '../sessions/topics.ts';
import type { Access } from '../sessions/access.ts';
import { expiryOf } from '../sessions/tokens.ts';
import { admitVisitor } from '../visitors/handshake.ts';
import { VISITOR_ENDED } from '../visitors/topics.ts';
import { goOn } from '../visitors/socket.ts';
import type { VisitorTokens } from '../visitors/token.ts';
import { socketMetrics } from './metrics.ts';

// Real time (1): a socket ends with its login.

type Person = Pick<Actor, 'workspaceId' | 'userId'>;
type Entrance =
  { kind: 'agent'; actor: Actor; token: string } | { kind: 'visitor'; inbox: InboxRuntime; visitorId: string };

export type SocketParts = {
  realtime: Realtime;
  proxies: Proxies;
  pressure: Pressure;
  wake: Wake;
  log: Logger;
  metrics: Metrics;
  access: Access;
  inboxes: InboxDirectory;
  tokens: VisitorTokens;
  ownOrigin: string;
  /** connections per address */
  connectLimit: Limiter;
  /** Rejects while the sockets of other processes cannot be asked for; undefined when there are none. */
  askOthers?: (() => Promise<unknown>) | undefined;
  /** some of those who are shown as present */
  present: () => Promise<Person[]>;
  /** How long somebody without a socket is still shown as present (default 30 000 ms). */
  leaveAfterMs?: number | undefined;
  /** what clients may say */
  events: { agent: AgentEvents; visitor: VisitorEvents };
  store: Store;
  tracing: Tracing;
  /** events of any kind per visitor: each costs the database something */
  eventLimit: Limiter;
  setPresence: (person: Person, presence: 'offline') => Promise<void>;
};

/** The same for the same person in the same workspace, or the same visitor of the same inbox. */
const identityOf = (entrance: Entrance): string =>
  entrance.kind === 'agent'
    ? `agent ${entrance.actor.workspaceId} ${entrance.actor.userId}`
    : `visitor ${entrance.inbox.id} ${entrance.visitorId}`;

const LEAVE_AFTER_MS = 30_000;

/**
 * Who may connect, and as whom. A connection that comes back goes through the same door as a new one (attack 10): its
 * rooms and what it missed are handed out behind it, and only those rooms it would be let into now.
 */
export function openSockets(parts: SocketParts): { close(): void } {
  const { realtime, access, inboxes, log } = parts;
  const { io } = realtime;
  const counted = parts.metrics.of(socketMetrics);
  parts.metrics.beforeRender(async () => {
    const { values } = await counted.socketConnections.get();
    counted.socketsOpen.set(values.reduce((sum, { value }) => sum + value, 0));
  });
  const entrances = new WeakMap<RealtimeSocket, Entrance>();
  const claims = new WeakMap<RealtimeSocket, Claim>();
  const { leaveAfterMs = LEAVE_AFTER_MS } = parts;
  const leaving = { closed: false, timers: new Set<NodeJS.Timeout>() };

  const addressOf = ({ handshake }: RealtimeSocket): string =>
    bucketOf(parts.proxies.clientOf(handshake.address, handshake.headers['x-forwarded-for']));

  async function enter(socket: RealtimeSocket): Promise<Entrance> {
    parts.pressure.admit(typeof socket.handshake.auth['token'] === 'string' ? 'ordinary' : 'visitors');
    const { allow, retryAfterSeconds } = await parts.connectLimit.take(addressOf(socket));
    if (!allow)
      throw Object.assign(new Error(`Too many connections. Try again in ${retryAfterSeconds} s.`), { statusCode: 429 });
    const auth: Record<string, unknown> = socket.handshake.auth;
    if (typeof auth['token'] === 'string') {
      const signedIn = await access.verify(auth['token']);
      if (!signedIn?.workspaceId || !signedIn.role) throw unauthorized();
      return {
        kind: 'agent',
        token: auth['token'],
        actor: { ...signedIn, workspaceId: signedIn.workspaceId, role: signedIn.role },
      };
    }
    const { inbox, visitorId } = await admitVisitor(
      { store: parts.store, inboxes, tokens: parts.tokens, ownOrigin: parts.ownOrigin },
      auth,
      socket.handshake.headers.origin,
    );
    return { kind: 'visitor', inbox, visitorId };
  }

  /** What the handshake says when somebody may not come in; undefined: welcome. */
  async function refusal(socket: RealtimeSocket): Promise<Error | undefined> {
    try {
      const entrance = await enter(socket);
      entrances.set(socket, entrance);
      await hearClaim(socket, entrance);
      return undefined;
    } catch (error) {
      const problem = toProblem(error);
      if (problem.reportable) log.error({ err: error }, 'a socket was refused by mistake');
      return Object.assign(new Error(problem.body.error.message), { data: problem.body.error });
    }
  }
  /**
   * A connection that comes back goes on as what it was only when the door has just found the same person. Otherwise it is
   * a new one: the client is told so, and asks for what it missed.
   */
  async function hearClaim(socket: RealtimeSocket, entrance: Entrance): Promise<void> {
    const asks = socket.recovered;
    const claim = await realtime.recovery.claim(socket);
    const isTheirs = claim?.identity === identityOf(entrance);
    if (claim && isTheirs) claims.set(socket, claim);
    else realtime.recovery.refuse(socket);
    if (asks) counted.socketRecoveries.inc({ outcome: isTheirs ? 'recovered' : claim ? 'refused' : 'too_late' });
  }
  io.use(async (socket, next) => next(await refusal(socket)));

  /** Binds first, without waiting for anything: a client speaks as soon as it hears that it is connected. */
  function welcome(socket: RealtimeSocket, entrance: Entrance): Promise<void> {
    return entrance.kind === 'agent' ? welcomeAgent(socket, entrance) : welcomeVisitor(socket, entrance);
  }

  async function welcomeAgent(socket: RealtimeSocket, { actor, token }: Extract<Entrance, { kind: 'agent' }>) {
    const { workspaceId } = actor;
    const current = () => access.verify(token);
    bindEvents<AgentSocket, AgentEvents[string]>({
      ...{ at: { socket, actor, current }, events: parts.events.agent, log, tracing: parts.tracing, workspaceId },
      admit: async ({ permission }) => {
        parts.pressure.admit('ordinary');
        const signedIn = await current();
        if (!signedIn || signedIn.workspaceId !== workspaceId) {
          socket.disconnect(true);
          throw unauthorized();
        }
        if (!signedIn.permissions.has(permission)) throw forbidden();
      },
    });
    // Cut when the token ends, also when the socket only listens.
    const end = setTimeout(() => socket.disconnect(true), expiryOf(token) - Date.now());
    socket.once('disconnect', () => {
      clearTimeout(end);
      leaveLater(actor);
    });
    await socket.join([
      rooms.workspace(actor.workspaceId),
      rooms.user(actor.workspaceId, actor.userId),
      rooms.session(actor.sessionId),
    ]);
    // A login that ended while this socket was let in was not in its room yet when the others were cut.
    const now = await access.verify(token);
    if (!now) {
      socket.disconnect(true);
      return;
    }
    const claim = claims.get(socket);
    if (!claim) return;
    const isConversation = (room: string): boolean => room.startsWith(rooms.conversation(''));
    const again = now.permissions.has('conversations:read') ? claim.rooms.filter(isConversation) : [];
    await socket.join(again);
    const heard = [rooms.workspace(actor.workspaceId), rooms.user(actor.workspaceId, actor.userId), ...again];
    await realtime.recovery.replay(socket, claim, new Set(heard));
  }

  /** Whether no process has a socket in the room. Without an answer from the others nobody can say: a later look will. */
  async function goneFrom(room: string): Promise<boolean> {
    if (io.of('/').adapter.rooms.has(room)) return false;
    const others = parts.askOthers?.().then(
      () => true,
      () => false,
    );
    return (await others) !== false && (await io.in(room).fetchSockets()).length === 0;
  }

  /** Nobody is online without a socket. A reload, or a moment without network, is not leaving. */
  function leaveLater(actor: Person): void {
    if (leaving.closed) return;
    const timer = setTimeout(() => {
      leaving.timers.delete(timer);
      const room = rooms.user(actor.workspaceId, actor.userId);
      goneFrom(room)
        .then((isGone) => (isGone ? parts.setPresence(actor, 'offline') : undefined))
        .catch((error: unknown) => log.warn({ err: error }, 'somebody who left is still shown as online'));
    }, leaveAfterMs);
    leaving.timers.add(timer);
  }

  async function welcomeVisitor(
    socket: RealtimeSocket,
    { inbox, visitorId }: Extract<Entrance, { kind: 'visitor' }>,
  ): Promise<void> {
    const { workspaceId } = inbox;
    const at: VisitorSocket = { socket, inbox, visitor: { id: visitorId }, address: addressOf(socket), own: undefined };
    bindEvents<VisitorSocket, VisitorEvents[string]>({
      ...{ at, events: parts.events.visitor, log, tracing: parts.tracing, workspaceId },
      admit: async () => {
        parts.pressure.admit('visitors');
        const { allow, retryAfterSeconds } = await parts.eventLimit.take(visitorId);
        if (!allow) throw tooMany(retryAfterSeconds);
        // As it is now: it may have been disabled since, or sign with another secret.
        const current = await inboxes.byId(workspaceId, inbox.id);
        if (!current || current.status === 'disabled') throw forbidden('This chat is closed.');
        at.inbox = current;
      },
    });
    // `session`: what is cut when this visitor ends.
    await socket.join([rooms.visitorsOf(workspaceId), rooms.session(visitorId)]);
    const claim = claims.get(socket);
    const room = claim?.rooms.find((name) => name.startsWith(rooms.visitor('')));
    if (!claim || !room || !(await goOn(parts.store, at, room.slice(rooms.visitor('').length)))) return;
    await realtime.recovery.replay(socket, claim, new Set([room]));
  }

  io.on('connection', (socket) => {
    const entrance = entrances.get(socket);
    if (!entrance) {
      socket.disconnect(true);
      return;
    }
    // What a later connection is compared with when it says that it is this one.
    Reflect.set(socket.data, 'identity', identityOf(entrance));
    counted.socketConnections.inc({ kind: entrance.kind });
    socket.on('disconnect', () => counted.socketConnections.dec({ kind: entrance.kind }));
    welcome(socket, entrance).catch((error: unknown) => {
      log.error({ err: error }, 'a socket was not let in');
      socket.disconnect(true);
    });
  });

  /** Whoever was connected to a process that died is shown as present, and no process has seen them leave. */
  async function lookForGone(): Promise<void> {
    try {
      await parts.askOthers?.();
      for (const person of await parts.present())
        if (!io.of('/').adapter.rooms.has(rooms.user(person.workspaceId, person.userId))) leaveLater(person);
    } catch (error) {
      log.debug({ err: error }, 'nobody looked for people who are gone');
    }
  }
  const looking = setInterval(() => void lookForGone(), 2 * leaveAfterMs).unref();

  /** News may be lost: whoever only listens is never asked again who they are, so they are now. */
  async function checkAgain(): Promise<void> {
    const visitors = new Map<InboxRuntime, Map<string, RealtimeSocket[]>>();
    for (const socket of [...io.sockets.sockets.values()]) {
      const entrance = entrances.get(socket);
      if (entrance?.kind === 'agent') {
        const now = await access.verify(entrance.token);
        if (now?.role !== entrance.actor.role) socket.disconnect(true);
      } else if (entrance) {
        const ofInbox = visitors.get(entrance.inbox) ?? new Map<string, RealtimeSocket[]>();
        ofInbox.set(entrance.visitorId, [...(ofInbox.get(entrance.visitorId) ?? []), socket]);
        visitors.set(entrance.inbox, ofInbox);
      }
    }
    for (const [inbox, sockets] of visitors) {
      const ended = await parts.store.inWorkspace(inbox.workspaceId, (tx) =>
        endedAmong(tx, inbox.id, [...sockets.keys()]),
      );
      for (const visitorId of ended) for (const socket of sockets.get(visitorId) ?? []) socket.disconnect(true);
    }
  }

  const stops = [
    parts.wake.on(RESYNC, checkAgain),
    parts.wake.on(SESSION_REVOKED, (sessionId) => realtime.cut(rooms.session(sessionId))),
    parts.wake.on(VISITOR_ENDED, (visitorId) => realtime.cut(rooms.session(visitorId))),
    // A new role or none: the client comes back through the door above, or stays out.
    parts.wake.on(MEMBERSHIP_CHANGED, (key) => {
      const { workspaceId, userId } = parseMembershipKey(key);
      realtime.cut(rooms.user(workspaceId, userId));
    }),
  ];
  return {
    close: () => {
      leaving.closed = true;
      clearInterval(looking);
      for (const timer of leaving.timers) clearTimeout(timer);
      for (const stop of stops) stop();
    },
  };
}
