import SMTPConnection from 'nodemailer/lib/smtp-connection';

const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;
const LOCAL = new Set(['localhost', '127.0.0.1', '::1']);

/** What a MAIL_URL says of the server, without its login. */
export function smtpAddress(url: string): { host: string; port: number; secure: boolean } {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'smtps:';
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
  };
}

/**
 * One letter over a connection of its own, which is cut when the signal fires: a server that was too slow must not take in the end
 * what is about to be tried again.
 *
 * @throws what the library throws, see failure.ts
 */
export async function handOver(
  url: string,
  letter: { envelope: { from: string; to: string[] }; raw: Buffer; signal: AbortSignal },
): Promise<void> {
  const { envelope, raw, signal } = letter;
  const { host, port, secure } = smtpAddress(url);
  const { username, password } = new URL(url);
  const auth = username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : undefined;
  signal.throwIfAborted();
  const connection = new SMTPConnection({
    ...{ host, port, secure },
    // A password never goes over a line that is not encrypted, unless the server is on this machine.
    requireTLS: auth !== undefined && !secure && !LOCAL.has(host),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    socketCloseTimeout: 1_000,
    logger: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cut = (): void => reject(signal.reason);
  signal.addEventListener('abort', cut, { once: true });
  // It stays: a connection that was given up may still fail.
  connection.on('error', reject);
  connection.once('end', () => reject(Object.assign(new Error('the connection ended'), { code: 'ECONNECTION' })));
  const send = (): void =>
    connection.send(envelope, raw, (error) => {
      if (error) reject(error);
      else resolve();
    });
  connection.connect((error) => {
    if (error) reject(error);
    else if (auth) connection.login(auth, (refused) => (refused ? reject(refused) : send()));
    else send();
  });
  try {
    await promise;
    connection.quit();
  } catch (error) {
    connection.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
  }
}
