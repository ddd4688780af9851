import type { Acknowledgement, Message } from '@parley/contract';
import type { Socket } from 'socket.io-client';

const OPENED_WITHIN_MS = 12_000;
const ANSWER_WITHIN_MS = 8_000;

/** Waits until the socket is let in, or closes it: refused, broken off, or left without an answer. */
export function opened(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      socket.close();
      done();
    };
    const done = (): void => {
      clearTimeout(timer);
      socket.io.off('close', giveUp);
      resolve();
    };
    const timer = setTimeout(giveUp, OPENED_WITHIN_MS);
    socket.once('connect', done);
    socket.once('connect_error', giveUp);
    socket.io.once('close', giveUp);
  });
}

/** Undefined: not acknowledged in time. Nobody knows whether it arrived; it is asked again under the same id. */
export async function asked<T>(
  socket: Socket | undefined,
  event: string,
  payload: unknown,
): Promise<Acknowledgement<T> | undefined> {
  if (!socket?.connected) return undefined;
  try {
    return (await socket.timeout(ANSWER_WITHIN_MS).emitWithAck(event, payload)) as Acknowledgement<T>;
  } catch {
    return undefined;
  }
}

/** Keeps the text of a message by `conversation seq`. @returns whether it was not there yet */
export function keep(messages: Record<string, string>, { conversationId, seq, text }: Message): boolean {
  const key = `${conversationId} ${seq}`;
  const isNew = !(key in messages);
  messages[key] = text;
  return isNew;
}
