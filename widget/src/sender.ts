import type { Acknowledgement } from '@parley/contract';
import { passing, type Connection } from './connection.ts';
import type { Outbox } from './outbox.ts';

const attempts = 4;

/** Sends what is in the outbox, one after the other, so that the order of writing is the order of arriving. */
export function createSender(options: {
  connection: Connection;
  outbox: Outbox;
  /** null while there is no conversation */
  conversation(): string | null;
  /** the conversation is gone on the server: begins another one, false when that fails */
  beginAgain(): Promise<boolean>;
  acknowledged(data: unknown): void;
  /** in the server's words */
  failed(clientId: string, error: string): void;
}) {
  const { connection, outbox, conversation } = options;
  const waiting = () => outbox.list().find((draft) => draft.error === null);
  let sending = false;
  /** the message coming back confirms a draft as well as an acknowledgement does */
  let inFlight: { clientId: string; confirm(): void } | null = null;

  async function flush(): Promise<void> {
    if (sending) return;
    sending = true;
    let tries = 0;
    for (let draft = waiting(); draft && connection.online(); draft = waiting()) {
      const conversationId = conversation();
      if (!conversationId) break;
      const { clientId, text, attachments } = draft;
      const attachmentIds = attachments.map((each) => each.id);
      const echo = new Promise<Acknowledgement>((resolve) => {
        inFlight = { clientId, confirm: () => resolve({ success: true, data: null }) };
      });
      const said = { conversationId, text, clientId, ...(attachmentIds.length > 0 ? { attachmentIds } : {}) };
      const answer = await Promise.race([echo, connection.call('customer:send_message', said)]);
      tries += 1;
      if (answer.success) {
        tries = 0;
        outbox.remove(clientId);
        options.acknowledged(answer.data);
        continue;
      }
      const { code, message } = answer.error;
      if (code === 'not_found' && tries === 1) {
        if (await options.beginAgain()) continue;
      } else if (passing.has(code) && tries < attempts) {
        const pauseMs = 1000 * 2 ** tries;
        if (connection.online()) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        continue;
      }
      if (connection.online()) options.failed(clientId, message);
      tries = 0;
    }
    sending = false;
  }

  return {
    flush,
    waiting,
    /** A message of the visitor has come back. */
    seen(clientId: string): void {
      outbox.remove(clientId);
      if (inFlight?.clientId === clientId) inFlight.confirm();
    },
  };
}
