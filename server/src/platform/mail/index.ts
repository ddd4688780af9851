import MailComposer from 'nodemailer/lib/mail-composer';
import type { Outbound } from '../outbound/breaker.ts';
import type { Config } from '../config/config.ts';
import { failureOf, MailError } from './failure.ts';
import { handOver, smtpAddress } from './smtp.ts';
import { oneLine, readSender } from './text.ts';

export { MailError } from './failure.ts';
export { isMailAddress, oneLine } from './text.ts';

export type Letter = {
  /** the same at every try, so that whoever gets it twice sees that it is one */
  id: string;
  date: Date;
  to: string;
  subject: string;
  text: string;
  html: string;
  language: string;
};

export type MailServer = {
  /** as `host:port`, without the login */
  host: string;
  from: string;
  /** Hands a letter over, once. @throws MailError; AppError `unavailable` while the server is left alone */
  send(letter: Letter): Promise<void>;
};

const SEND_MS = 30_000;
/** What the breaker knows the server as. */
export const MAIL_TARGET = 'mail';

/** Undefined without MAIL_URL. */
export function createMailServer(
  config: Pick<Config, 'mail'>,
  { outbound, timeoutMs = SEND_MS }: { outbound: Outbound; timeoutMs?: number | undefined },
): MailServer | undefined {
  if (!config.mail) return undefined;
  const { url } = config.mail;
  const from = readSender(config.mail.from);
  const domain = from.address.slice(from.address.indexOf('@') + 1);
  const { host, port } = smtpAddress(url);

  const compose = (letter: Letter): Promise<Buffer> =>
    new MailComposer({
      from,
      to: letter.to,
      subject: oneLine(letter.subject),
      text: letter.text,
      html: letter.html,
      textEncoding: 'quoted-printable',
      messageId: `<${letter.id}@${domain}>`,
      date: letter.date,
      headers: {
        // No vacation replies to it.
        'Auto-Submitted': 'auto-generated',
        'X-Auto-Response-Suppress': 'All',
        'Content-Language': letter.language,
      },
      disableFileAccess: true,
      disableUrlAccess: true,
    })
      .compile()
      .build();

  // Read inside of the call: the breaker goes by what it means.
  const attempt = async (letter: Parameters<typeof handOver>[1]): Promise<void> => {
    try {
      await handOver(url, letter);
    } catch (error) {
      throw failureOf(error);
    }
  };

  return {
    host: `${host}:${port}`,
    from: from.name ? `${from.name} <${from.address}>` : from.address,
    async send(letter) {
      const raw = await compose(letter);
      const envelope = { from: from.address, to: [letter.to] };
      try {
        // Not again at once: a failed try waits in its row, so that the wait outlives this process.
        await outbound.call(MAIL_TARGET, (signal) => attempt({ envelope, raw, signal }), {
          timeoutMs,
          attempts: 1,
        });
      } catch (error) {
        throw error instanceof MailError ? error : failureOf(error);
      }
    },
  };
}
