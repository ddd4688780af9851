import { createTransport } from 'nodemailer';
import type { Outbound } from '../outbound/breaker.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../telemetry/log.ts';

export type Letter = { to: string; subject: string; text: string };

export type Mail = {
  /** Hands a letter on without waiting for the server. One that could not be sent is told to the log. */
  send(letter: Letter): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
};

const CONNECT_MS = 10_000;
const SEND_MS = 30_000;
/** More at once are not taken: whoever asks so much of the mail server gets nothing through anyway. */
const UNDER_WAY = 50;
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Undefined without MAIL_URL. */
export function createMail(
  config: Pick<Config, 'mail'>,
  { outbound, log }: { outbound: Outbound; log: Logger },
): Mail | undefined {
  if (!config.mail) return undefined;
  const { url, from } = config.mail;
  const { protocol, hostname, port, username, password } = new URL(url);
  const auth = username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : undefined;
  const secure = protocol === 'smtps:';
  const transport = createTransport({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    requireTLS: auth !== undefined && !secure && !LOCAL.has(hostname),
    ...(auth ? { auth } : {}),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SEND_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
  const underWay = new Set<Promise<void>>();

  async function deliver(letter: Letter): Promise<void> {
    try {
      // Not again by itself: the first may have arrived after all.
      await outbound.call('mail', () => transport.sendMail({ from, ...letter }), { timeoutMs: SEND_MS, attempts: 1 });
    } catch (error) {
      // The answer of a server may quote the letter or the login.
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      log.error({ code }, 'a mail could not be sent');
    }
  }

  return {
    send(letter) {
      if (underWay.size >= UNDER_WAY) {
        log.warn('a mail was not sent: too many are under way');
        return;
      }
      const sent = deliver(letter).finally(() => underWay.delete(sent));
      underWay.add(sent);
    },
    async close() {
      await Promise.allSettled(underWay);
      transport.close();
    },
  };
}
