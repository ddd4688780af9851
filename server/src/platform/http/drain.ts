import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainOptions, Http } from './types.ts';

/** Adds `http.drain()`. */
export const addDrain = (http: Http): void => {
  let closing: Promise<void> | undefined;

  const close = async ({ noticeMs = 0, graceMs = 20_000 }: DrainOptions): Promise<void> => {
    if (noticeMs > 0) await sleep(noticeMs);
    const cut = setTimeout(() => {
      http.log.warn('cutting connections that did not finish in time');
      http.server.closeAllConnections();
    }, graceMs);
    try {
      await http.close();
    } finally {
      clearTimeout(cut);
    }
  };

  // Closing the server ends connections that are idle then; those that answer later have to be told.
  http.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  http.decorate('isDraining', () => closing !== undefined);
  http.decorate('drain', (options: DrainOptions = {}) => (closing ??= close(options)));
};
