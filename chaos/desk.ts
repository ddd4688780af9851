import type { Handoff, Message } from '@parley/contract';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { createCall, OWNER } from '../server/src/test/app.ts';
import type { Member } from './fleet.ts';
import { rest } from './plan.ts';
import { asked, keep, opened } from './sockets.ts';

/** What the people at the desk did and saw. */
export type DeskReport = {
  /** handoffs whose reply was acknowledged, by id; each was to be said once */
  replied: string[];
  closed: string[];
  reconnects: number;
  /** what each looked-at conversation showed: text by `conversation seq` */
  messages: Record<string, string>;
  watched: string[];
  caughtUp: number;
  foundAtTheEnd: number;
};

const ANSWER_WITHIN_MS = 8_000;
const WATCHED_AT_MOST = 20;

/**
 * Somebody at the desk: takes what waits, says one thing, closes it. Also looks at some conversations, live, and after a
 * break fetches what was missed, as the dashboard does.
 */
export function startDesk(parts: { nextApi: () => Member; number: number }) {
  const report: DeskReport = {
    replied: [],
    closed: [],
    reconnects: 0,
    messages: {},
    watched: [],
    caughtUp: 0,
    foundAtTheEnd: 0,
  };
  const state: { socket: Socket | undefined; token: string; api: Member | undefined; closed: boolean } = {
    socket: undefined,
    token: '',
    api: undefined,
    closed: false,
  };

  /** Undefined: no answer, or one that says to try again. */
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T | undefined> {
    const { api } = state;
    if (!api) return undefined;
    try {
      const answer = await Promise.race([
        createCall(() => api.url, state.token || undefined)<T>(method, path, body),
        rest(ANSWER_WITHIN_MS).then(() => undefined),
      ]);
      return answer && answer.status < 300 ? answer.data : undefined;
    } catch {
      return undefined;
    }
  }

  const call = (event: string, payload: unknown) => asked(state.socket, event, payload);

  /** Everything up to here has been seen without a gap. */
  function after(conversationId: string): number {
    let seq = 0;
    while (`${conversationId} ${seq + 1}` in report.messages) seq += 1;
    return seq;
  }

  async function catchUp(conversationId: string): Promise<void> {
    for (;;) {
      const path = `/conversations/${conversationId}/messages?after=${after(conversationId)}&limit=100`;
      const missed = await ask<Message[]>('GET', path);
      if (!missed) return;
      for (const message of missed) if (keep(report.messages, message)) report.caughtUp += 1;
      if (missed.length < 100) return;
    }
  }

  async function watch(conversationId: string): Promise<void> {
    await call('conversation:subscribe', { conversationId });
    await catchUp(conversationId);
  }

  async function connect(): Promise<void> {
    const api = parts.nextApi();
    state.api = api;
    const login = await ask<{ accessToken: string }>('POST', '/auth/login', OWNER);
    if (!login) return;
    state.token = login.accessToken;
    const socket = io(api.url, {
      auth: { token: state.token },
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
    });
    state.socket = socket;
    socket.on('message:received', (message: Message) => {
      if (!report.watched.includes(message.conversationId)) return;
      const expected = after(message.conversationId) + 1;
      keep(report.messages, message);
      if (message.seq > expected) void catchUp(message.conversationId);
    });
    socket.on('message:updated', (message: Message) => {
      if (report.watched.includes(message.conversationId)) keep(report.messages, message);
    });
    await opened(socket);
  }

  async function serve(handoff: Handoff): Promise<void> {
    const { id, conversationId } = handoff;
    const taken = await call('agent:pickup_session', { conversationId });
    if (!taken?.success) return;
    await finish(id, conversationId);
  }

  /** Begun is ended, over as many connections as it takes. */
  async function finish(id: string, conversationId: string): Promise<void> {
    while (!state.closed) {
      const said = await call('agent:send_message', {
        conversationId,
        text: `A person answers ${id}`,
        clientId: `reply-${id}`,
      });
      if (said?.success) break;
      await rest(300);
    }
    report.replied.push(id);
    while (!state.closed) {
      const closed = await call('agent:close_session', { conversationId });
      if (closed?.success || closed?.error.code === 'conflict') break;
      await rest(300);
    }
    report.closed.push(id);
  }

  async function work(): Promise<void> {
    while (!state.closed) {
      if (!state.socket?.connected) {
        await rest(300);
        continue;
      }
      const queue = (await ask<Handoff[]>('GET', '/handoffs?limit=50')) ?? [];
      await Promise.all(
        queue
          .filter((_one, index) => index % 2 === parts.number % 2)
          .slice(0, 10)
          .map(serve),
      );
      await rest(500);
    }
  }

  async function live(): Promise<void> {
    for (let times = 0; !state.closed; times += 1) {
      await connect();
      const { socket } = state;
      if (socket?.connected) {
        if (times > 0) report.reconnects += 1;
        await Promise.all(report.watched.map(watch));
        while (socket.connected && !state.closed) await rest(50);
      }
      socket?.close();
      if (!state.closed) await rest(500);
    }
  }
  const living = live();
  const working = work();

  return {
    report,
    /** Looks at this conversation from now on. */
    look: async (conversationId: string): Promise<void> => {
      if (report.watched.includes(conversationId) || report.watched.length >= WATCHED_AT_MOST) return;
      report.watched.push(conversationId);
      await watch(conversationId);
    },
    async lastLook(): Promise<void> {
      const before = report.caughtUp;
      await Promise.all(report.watched.map(catchUp));
      report.foundAtTheEnd = report.caughtUp - before;
    },
    async close(): Promise<void> {
      state.closed = true;
      state.socket?.close();
      await Promise.all([living, working]);
    },
  };
}
export type Desk = ReturnType<typeof startDesk>;
