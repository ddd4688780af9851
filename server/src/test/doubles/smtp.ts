import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export type SmtpDouble = { url: string; letters: { to: string[]; text: string }[]; close(): Promise<void> };

/** A real SMTP server on the loopback that keeps what it is given, for one user with a password. */
export async function startSmtp(): Promise<SmtpDouble> {
  const letters: SmtpDouble['letters'] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, answer) =>
      username === 'parley' && password === 'mail-secret' ? answer(null, { user: username }) : answer(new Error('no')),
    onData: (stream, session, answer) =>
      void text(stream).then((raw) => {
        // Long lines are cut with = at their ends.
        const plain = raw.replace(/=\r?\n/g, '').replace(/=3D/g, '=');
        letters.push({ to: session.envelope.rcptTo.map(({ address }) => address), text: plain });
        answer();
      }, answer),
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://parley:mail-secret@127.0.0.1:${port}`,
    letters,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
