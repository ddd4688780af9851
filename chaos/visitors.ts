import { Agent } from 'node:http';
import type { Message, SessionCreated } from '@parley/contract';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { createDice, rest } from './plan.ts';
import { asked, keep, opened } from './sockets.ts';

/** What one visitor saw, and what they said. */
export type Seen = {
  name: string;
  conversationIds: string[];
  /** text by `conversation seq` */
  messages: Record<string, string>;
  /** acknowledged words by their token, which is the client's own id, too */
  accepted: string[];
  /** connections after the first */
  reconnects: number;
  /** messages that came by resuming, not live */
  caughtUp: number;
  /** messages that only the last look found: nothing had told the visitor of them */
  foundAtTheEnd: number;
  /** why words were not taken, the last time */
  refused: string;
};
export type Visitor = Awaited<ReturnType<typeof startVisitor>>;

/** After the end of the run a visitor tries for so long to be heard. */
const PATIENCE_MS = 30_000;

/**
 * A visitor of a web page, as the widget behaves: comes back when the connection ends, resumes after the last message it
 * has, asks for what is missing when a number is skipped, and sends again under the same id what nobody acknowledged.
 */
export async function startVisitor(parts: {
  name: string;
  number: number;
  inboxToken: string;
  /** where to connect next */
  door: () => string;
  everyMs: number;
  seed: number;
}) {
  const dice = createDice(parts.seed);
  const seen: Seen = {
    name: parts.name,
    conversationIds: [],
    messages: {},
    accepted: [],
    reconnects: 0,
    caughtUp: 0,
    foundAtTheEnd: 0,
    refused: '',
  };
  // An address of its own: limits are per address, and these are many people.
  const agent = new Agent({ localAddress: `127.0.${1 + Math.floor(parts.number / 200)}.${1 + (parts.number % 200)}` });
  const state: {
    socket: Socket | undefined;
    visitor: string | undefined;
    conversationId: string;
    after: number;
    closed: boolean;
  } = {
    socket: undefined,
    visitor: undefined,
    conversationId: '',
    after: 0,
    closed: false,
  };
  let catching: Promise<void> | undefined;
  let count = 0;

  const call = <T>(event: string, payload: unknown) => asked<T>(state.socket, event, payload);

  function arrived(message: Message): void {
    if (message.conversationId !== state.conversationId) return;
    keep(seen.messages, message);
    if (message.seq === state.after + 1) state.after = message.seq;
    else if (message.seq > state.after) void catchUp();
  }

  function catchUp(): Promise<void> {
    catching ??= fetchMissed().finally(() => (catching = undefined));
    return catching;
  }

  async function fetchMissed(): Promise<void> {
    for (let page = 0; page < 20; page += 1) {
      const { conversationId, after } = state;
      if (!conversationId) return;
      const answer = await call<{ messages: Message[] }>('customer:resume', { conversationId, after });
      if (!answer?.success || conversationId !== state.conversationId) return;
      for (const message of answer.data.messages) {
        if (keep(seen.messages, message)) seen.caughtUp += 1;
        state.after = Math.max(state.after, message.seq);
      }
      if (answer.data.messages.length === 0) return;
    }
  }

  async function join(): Promise<void> {
    await catchUp();
    const answer = await call<SessionCreated>('customer:start_chat', { name: parts.name });
    if (!answer?.success) return;
    state.visitor = answer.data.visitor;
    if (state.conversationId !== answer.data.conversationId) {
      state.conversationId = answer.data.conversationId;
      state.after = 0;
      seen.conversationIds.push(state.conversationId);
    }
    if (answer.data.lastSeq > state.after) await catchUp();
  }

  async function connect(): Promise<void> {
    const auth = { inbox: parts.inboxToken, ...(state.visitor ? { visitor: state.visitor } : {}) };
    const options = { auth, transports: ['websocket'], reconnection: false, forceNew: true, timeout: 10_000 };
    // In Node the agent goes through to the connection; the library's types know browsers.
    Reflect.set(options, 'agent', agent);
    const socket = io(parts.door(), options);
    state.socket = socket;
    socket.on('message:received', arrived);
    socket.on('message:updated', (message: Message) => void keep(seen.messages, message));
    await opened(socket);
  }

  /** Stays connected until closed. */
  async function live(): Promise<void> {
    for (let times = 0; !state.closed; times += 1) {
      await connect();
      const { socket } = state;
      if (socket?.connected) {
        if (times > 0) seen.reconnects += 1;
        await join();
        while (socket.connected && !state.closed) await rest(50);
      }
      socket?.close();
      if (!state.closed) await rest(200 + dice() * 800);
    }
  }
  const living = live();

  /** Until it is acknowledged, under the same id. A conversation that was closed meanwhile is followed by another one. */
  async function say(words: string, until: number): Promise<void> {
    count += 1;
    const token = `w${parts.number}x${count}`;
    while (!state.closed && Date.now() < until + PATIENCE_MS) {
      const { conversationId } = state;
      if (conversationId) {
        const answer = await call('customer:send_message', {
          conversationId,
          text: `${token} ${words}`,
          clientId: token,
        });
        if (answer?.success) {
          seen.accepted.push(token);
          return;
        }
        seen.refused = answer ? answer.error.code : 'no answer';
        if (answer && answer.error.code === 'conflict') await join();
      }
      await rest(500);
    }
  }

  return {
    seen,
    async write(until: number): Promise<void> {
      await rest(dice() * parts.everyMs);
      while (Date.now() < until && !state.closed) {
        await say(dice() < 0.1 ? 'how long does delivery take [slow]' : 'how long does delivery take', until);
        await rest(parts.everyMs * (0.5 + dice()));
      }
    },
    /** The last look: whatever it brings, nothing had told the visitor of. */
    async look(): Promise<void> {
      const before = seen.caughtUp;
      await catchUp();
      seen.foundAtTheEnd = seen.caughtUp - before;
    },
    async close(): Promise<void> {
      state.closed = true;
      state.socket?.close();
      agent.destroy();
      await living;
    },
  };
}
