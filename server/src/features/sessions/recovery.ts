import type { IncomingHttpHeaders } from 'node:http';
import { conflict, notFound, tooMany } from '../../platform/errors.ts';
import { bucketOf } from '../../platform/http/proxies.ts';
import type { MakeLimiter } from '../../platform/limits/limiter.ts';
import type { Passwords } from '../../platform/security/password.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Mail } from '../mail/commands.ts';
import { languageOf } from '../mail/policy.ts';
import { refreshPasswordHash } from '../members/commands.ts';
import { findAccount, findOwnAccount } from '../members/queries.ts';
import type { Access } from './access.ts';
import { recordAttempt } from './attempts.ts';
import type { Device } from './commands.ts';
import type { Devices } from './device.ts';
import { addOneTimeToken, endAllSessions, findOneTimeToken, useOneTimeToken } from './one-time.ts';
import { forgetMailedLinks } from './proof.ts';

const MINUTES = 30;
const HOUR = 3_600;
const NOTICE_MINUTES = 2 * 24 * 60;

type Knock = { device: Device; headers: IncomingHttpHeaders; setCookie(cookie: string): void };
export type Recovery = ReturnType<typeof createRecovery>;

/** Ways back into an account whose password is forgotten (decision 39). */
export function createRecovery(parts: {
  store: Store;
  passwords: Passwords;
  access: Access;
  devices: Devices;
  mail: Mail;
  makeLimiter: MakeLimiter;
  publicUrl: string;
  log: Logger;
}) {
  const { store, passwords, access, devices, mail, makeLimiter, publicUrl, log } = parts;
  const clients = makeLimiter('forgot-client', { capacity: 10, refillPerSecond: 30 / HOUR });
  // A link is good for longer than the wait for another one.
  const addresses = makeLimiter('forgot-address', { capacity: 3, refillPerSecond: 3 / HOUR });

  async function sendLink(email: string, { device, headers }: Knock): Promise<string | undefined> {
    return store.asSystem(async (tx) => {
      const account = await findAccount(tx, email);
      if (!account || account.disabledAt) return undefined;
      const mailed = mail.delivery === 'sent';
      // What is printed is read by whoever runs the installation, who gives it to the right person.
      if (mailed && !account.emailVerifiedAt) return undefined;
      const { id: userId, name } = account;
      const knownDevice = (await devices.read(headers, userId)) !== undefined;
      await recordAttempt(tx, userId, { outcome: 'link_sent', device, knownDevice });
      const token = await addOneTimeToken(tx, 'password_reset', { userId, email, mailed, minutes: MINUTES });
      const language = account.language ?? languageOf(headers['accept-language']);
      // After the #, so that neither a server's log nor a referrer has it.
      const values = { name, link: `${publicUrl}/reset-password#token=${token}` };
      return mail.write(tx, { template: 'password_reset', to: email, language, values, minutes: MINUTES });
    });
  }

  return {
    /**
     * The same for every address, and as quickly: whether somebody has an account there is looked up behind the answer.
     *
     * @param email in lower case
     * @throws conflict where no mail leaves; too-many for a client that asks for many
     */
    async forgot(email: string, knock: Knock): Promise<void> {
      if (mail.delivery === 'none')
        throw conflict('This installation sends no mail: ask whoever runs it for a new password.');
      const { allow, retryAfterSeconds } = await clients.take(bucketOf(knock.device.ip ?? ''));
      if (!allow) throw tooMany(retryAfterSeconds);
      if (!(await addresses.take(email)).allow) return;
      sendLink(email, knock)
        .then((id) => mail.dispatch([id]))
        .catch((error: unknown) => log.error({ err: error }, 'a link for a new password was not sent'));
    },

    /**
     * Sets the password, ends all sign-ins and voids every other link of the account. The browser is known to it from now on: it
     * opened what was sent to the mailbox.
     *
     * @throws not-found for a link that is used, too old, unknown, or of another address than the account has now
     */
    async reset(token: string, password: string, { setCookie }: Knock): Promise<void> {
      const found = await store.asSystem((tx) => findOneTimeToken(tx, 'password_reset', token));
      if (!found) throw notFound('The link');
      const passwordHash = await passwords.hash(password);
      const { ended, mailId } = await store.asSystem(async (tx) => {
        const used = await useOneTimeToken(tx, 'password_reset', token);
        const account = used && (await findOwnAccount(tx, used.userId));
        if (!account || account.disabledAt || account.email !== used?.email) throw notFound('The link');
        const { id, name, email: to, language } = account;
        await refreshPasswordHash(tx, id, passwordHash);
        await forgetMailedLinks(tx, id);
        const values = { name, time: tx.now.toISOString(), link: `${publicUrl}/forgot-password` };
        const notice = { template: 'password_changed' as const, to, language, values, minutes: NOTICE_MINUTES };
        return {
          ended: await endAllSessions(tx, id, 'the password was set by a link'),
          mailId: account.emailVerifiedAt ? await mail.write(tx, notice) : undefined,
        };
      });
      for (const id of ended) access.announceRevoked(id);
      access.forget();
      mail.dispatch([mailId]);
      setCookie(await devices.cookie(found.userId, newId()));
    },
  };
}
