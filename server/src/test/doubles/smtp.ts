import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { readLetter } from './smtp-letter.ts';
import type { Letter } from './smtp-letter.ts';

/**
 * `refuse address`, `refuse mail`: for good. `later`: not now. `refuse login`. `silent`: it says nothing any more once it has the
 * recipient. `drop`: it cuts the line in the middle of the mail. `take and drop`: it keeps the mail, and cuts the line before it says so.
 */
export type SmtpManner =
  'well' | 'refuse address' | 'refuse mail' | 'later' | 'refuse login' | 'silent' | 'drop' | 'take and drop';

export type SmtpDouble = {
  url: string;
  letters: Letter[];
  /** The latest to an address, or undefined. */
  lastTo(address: string): Letter | undefined;
  /** how it behaves from now on */
  behave(manner: SmtpManner): void;
  /** how often somebody named a recipient */
  tries(): number;
  close(): Promise<void>;
};

const refusal = (code: number, reply: string): Error => Object.assign(new Error(reply), { responseCode: code });

/** A real SMTP server on the loopback that keeps what it is given, for one user with a password. */
export async function startSmtp(): Promise<SmtpDouble> {
  const letters: Letter[] = [];
  const sockets = new Set<{ destroy(): unknown }>();
  let manner: SmtpManner = 'well';
  let tries = 0;
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, answer) =>
      manner !== 'refuse login' && username === 'parley' && password === 'mail-secret'
        ? answer(null, { user: username })
        : answer(refusal(535, '5.7.8 Authentication failed')),
    onRcptTo: ({ address }, _session, answer) => {
      tries += 1;
      if (manner === 'silent') return;
      if (manner === 'refuse address') return answer(refusal(550, `5.1.1 <${address}> no such mailbox`));
      if (manner === 'later') return answer(refusal(451, '4.7.1 Greylisted, try again later'));
      answer();
    },
    onData: (stream, session, answer) => {
      if (manner === 'drop') return void stream.once('data', cut).resume();
      void text(stream).then((raw) => {
        if (manner === 'refuse mail') return answer(refusal(554, '5.7.1 http://spam.test/?token=abc Message refused'));
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom ? mailFrom.address : '';
        letters.push(readLetter(raw, { from, to: rcptTo.map(({ address }) => address) }));
        if (manner === 'take and drop') return cut();
        answer();
      }, answer);
    },
  });
  // Lines that are cut are the point of it.
  server.on('error', () => undefined);
  server.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://parley:mail-secret@127.0.0.1:${port}`,
    letters,
    lastTo: (address) => letters.findLast(({ to }) => to.includes(address)),
    behave: (next) => {
      manner = next;
    },
    tries: () => tries,
    close: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
