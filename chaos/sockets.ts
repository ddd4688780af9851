import type { Socket } from 'socket.io-client';

const OPENED_WITHIN_MS = 12_000;

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
