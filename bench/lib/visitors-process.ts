/**
 * Visitors who sit in a chat and say nothing. When their connection ends they come back like the client library does
 * (after 0.5 to 1.5 s, then longer, at most 5 s), present themselves again and ask for what they missed.
 */
import { now, serve } from './child.ts';
import { openSocket, patiently, Refused } from './light-socket.ts';
import { loopbackAddress } from './loopback.ts';

type Session = { conversationId: string; visitor: string; lastSeq: number };
type Order = { url: string; inbox: string; count: number; firstAddress: number };

/** what a customer was told that is an error, in words */
const errors: string[] = [];
/** how often somebody was asked to come again in a moment, which the client does without a word */
let later = 0;
let present = 0;
let lastReturn = 0;
let tries = 0;
let ended = false;

const wait = (attempt: number): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(resolve, Math.min(1_000 * 2 ** attempt, 5_000) * (1 + (Math.random() * 2 - 1) * 0.5)),
  );

/** Connects and enters the chat. @throws what the connection or the server said; then nobody is there */
async function visit(order: Order, index: number, known?: Session): Promise<Session> {
  let session: Session | undefined;
  const socket = await openSocket({
    url: order.url,
    auth: { inbox: order.inbox, ...(known ? { visitor: known.visitor } : {}) },
    localAddress: loopbackAddress(order.firstAddress + index),
    lost: () => {
      if (!session) return;
      present -= 1;
      if (!ended) void comeBack(order, index, session);
    },
  });
  try {
    if (known) {
      const { conversationId, lastSeq } = known;
      await socket.call('customer:resume', { conversationId, after: lastSeq });
    }
    session = known ?? ((await socket.call('customer:start_chat', {})) as Session);
  } catch (error) {
    socket.close();
    throw error;
  }
  present += 1;
  return session;
}

async function comeBack(order: Order, index: number, session: Session): Promise<void> {
  for (let attempt = 0; !ended; attempt++) {
    await wait(attempt);
    try {
      tries += 1;
      await visit(order, index, session);
      lastReturn = now();
      return;
    } catch (error) {
      // Nobody listens yet, or the connection broke again: no customer sees that.
      if (!(error instanceof Refused)) continue;
      if (error.code === 'unavailable' || error.code === 'too_many_requests') later += 1;
      else errors.push(error.message);
    }
  }
}

const functions = {
  async settle(order: Order): Promise<void> {
    let next = 0;
    const one = async (): Promise<void> => {
      for (let index = next++; index < order.count; index = next++) await patiently(() => visit(order, index));
    };
    await Promise.all(Array.from({ length: 25 }, one));
  },
  async state(_input: Record<string, never>) {
    return { present, tries, later, lastReturn, errors: errors.length, error: errors[0] };
  },
  async leave(_input: Record<string, never>): Promise<void> {
    ended = true;
  },
};
export type Visitors = typeof functions;
serve(functions);
