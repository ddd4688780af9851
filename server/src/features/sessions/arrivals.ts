import type { IncomingHttpHeaders } from 'node:http';
import { sql } from 'drizzle-orm';
import type { Tx } from '../../platform/data/tenant.ts';
import type { Mail } from '../mail/commands.ts';
import { languageOf } from '../mail/policy.ts';
import { noteLanguage } from '../members/commands.ts';
import { findOwnAccount } from '../members/queries.ts';
import type { AddressProofs } from './address-proof.ts';
import { shortenAddress } from './attempts.ts';
import type { Device } from './commands.ts';
import { readUserAgent } from './user-agent.ts';

// Real time (1): attempts to sign in.
// Foreign tables: users. An account that is old had a first sign-in.

const NOTICE_MINUTES = 2 * 24 * 60;
/** So long attempts are kept: an account older than this had a first sign-in, whatever is left of it. */
const KEPT_DAYS = 90;

/** Somebody is signed in now, and the attempt is not written down yet. The mails it caused, for `mail.dispatch` after the commit. */
export type Arrivals = (
  tx: Tx,
  userId: string,
  from: { device: Device; headers: IncomingHttpHeaders; knownDevice: boolean },
) => Promise<(string | undefined)[]>;

export function createArrivals({
  mail,
  proofs,
  publicUrl,
}: {
  mail: Mail;
  proofs: Pick<AddressProofs, 'ask' | 'wasAsked'>;
  publicUrl: string;
}): Arrivals {
  /** Before this one: whether anybody signed in at all, and from this network with this browser. */
  async function earlier(tx: Tx, userId: string, { ip, userAgent }: Device) {
    const { rows } = await tx.execute<{ any: boolean; here: boolean }>(sql`
      select exists (select from sign_ins where user_id = ${userId}::uuid and outcome = 'signed_in')
          or exists (select from users where id = ${userId}::uuid and created_at < now() - make_interval(days => ${KEPT_DAYS})) as any,
        exists (select from sign_ins where user_id = ${userId}::uuid and outcome = 'signed_in'
          and address = ${shortenAddress(ip)} and device = ${userAgent ?? ''}) as here`);
    return rows[0] ?? { any: true, here: false };
  }

  return async function arrive(tx, userId, { device, headers, knownDevice }) {
    const account = await findOwnAccount(tx, userId);
    if (!account) return [];
    const spoken = languageOf(headers['accept-language']);
    if (spoken !== undefined && spoken !== account.language) await noteLanguage(tx, userId, spoken);
    const language = spoken ?? account.language;
    const { name, email } = account;
    if (mail.delivery !== 'sent') return [];
    // Nothing of the account is told to an address that may be somebody else's.
    if (!account.emailVerifiedAt)
      return (await proofs.wasAsked(tx, userId)) ? [] : [await proofs.ask(tx, { userId, name, email, language })];
    if (knownDevice) return [];
    const { any, here } = await earlier(tx, userId, device);
    if (!any || here) return [];
    const { browser, system } = readUserAgent(device.userAgent);
    const described = [browser, system].filter(Boolean).join(', ');
    const values = {
      ...{ name, place: shortenAddress(device.ip), time: tx.now.toISOString() },
      ...(described ? { device: described } : {}),
      link: `${publicUrl}/forgot-password`,
    };
    return [await mail.write(tx, { template: 'new_device', to: email, language, values, minutes: NOTICE_MINUTES })];
  };
}
