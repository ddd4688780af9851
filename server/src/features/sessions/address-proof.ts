import { and, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import type { AddressState } from '@parley/contract';
import { oneTimeTokens } from '../../db/schema/index.ts';
import { conflict, notFound, tooMany } from '../../platform/errors.ts';
import type { MakeLimiter } from '../../platform/limits/limiter.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import type { Mail } from '../mail/commands.ts';
import { changeAddress, markAddressProven } from '../members/commands.ts';
import { findAccount, findOwnAccount } from '../members/queries.ts';
import { addOneTimeToken, useOneTimeToken } from './one-time.ts';
import { forgetMailedLinks } from './proof.ts';

// Real time (2): lifetimes of links.

const HOURS = 24;
const MINUTES = HOURS * 60;
const DAY = 86_400;

export type AddressProofs = ReturnType<typeof createAddressProofs>;
type Asked = { userId: string; name: string; email: string; language: string | null | undefined };

/**
 * An address counts once somebody opened a link that was mailed to it: until then it resets nothing and is told nothing, and a new
 * one does not sign in.
 */
export function createAddressProofs(parts: {
  store: Store;
  mail: Mail;
  makeLimiter: MakeLimiter;
  publicUrl: string;
  /** what is believed of people is looked up again */
  forget(): void;
}) {
  const { store, mail, makeLimiter, publicUrl, forget } = parts;
  const people = makeLimiter('address-proof-person', { capacity: 5, refillPerSecond: 5 / DAY });
  const addresses = makeLimiter('address-proof-address', { capacity: 3, refillPerSecond: 3 / DAY });

  /** Whether another link is mailed to this address, and for this person, now. @throws too-many */
  async function count({ userId, email }: Pick<Asked, 'userId' | 'email'>): Promise<void> {
    for (const verdict of [await people.take(userId), await addresses.take(email)])
      if (!verdict.allow) throw tooMany(verdict.retryAfterSeconds);
  }

  /**
   * Writes the mail with the link, in a transaction of `asSystem`: for the address somebody has, or for one they want instead. An
   * earlier one they wanted is given up. The id of the mail, for `mail.dispatch` after the commit.
   */
  async function ask(tx: Tx, { userId, name, email, language }: Asked): Promise<string | undefined> {
    if (mail.delivery === 'none') return undefined;
    await tx
      .delete(oneTimeTokens)
      .where(
        and(
          eq(oneTimeTokens.userId, userId),
          eq(oneTimeTokens.purpose, 'address'),
          ne(oneTimeTokens.email, email),
          isNull(oneTimeTokens.usedAt),
        ),
      );
    const mailed = mail.delivery === 'sent';
    const token = await addOneTimeToken(tx, 'address', { userId, email, mailed, minutes: MINUTES });
    // After the #, so that neither a server's log nor a referrer has it.
    const values = { name, link: `${publicUrl}/prove-address#token=${token}` };
    return mail.write(tx, { template: 'prove_address', to: email, language, values, minutes: MINUTES });
  }

  return {
    ask,

    /** Whether they were asked within a week, so that not every sign-in asks. */
    async wasAsked(tx: Tx, userId: string): Promise<boolean> {
      const rows = await tx
        .select({ id: oneTimeTokens.id })
        .from(oneTimeTokens)
        .where(
          and(
            eq(oneTimeTokens.userId, userId),
            eq(oneTimeTokens.purpose, 'address'),
            gt(oneTimeTokens.createdAt, sql`now() - interval '7 days'`),
          ),
        )
        .limit(1);
      return rows.length > 0;
    },

    /**
     * A person asks for the link to the address they have. @throws conflict when it is proven, or no mail is sent; too-many
     */
    async askForOwn(userId: string): Promise<void> {
      if (mail.delivery !== 'sent') throw conflict('This installation sends no mail: an address cannot be proven.');
      const account = await store.asSystem((tx) => findOwnAccount(tx, userId));
      if (!account || account.emailVerifiedAt) throw conflict('This address is proven already.');
      const { name, email, language } = account;
      await count({ userId, email });
      mail.dispatch([await store.asSystem((tx) => ask(tx, { userId, name, email, language }))]);
    },

    /**
     * A person wants another address. It takes the place of theirs once the link that is mailed there was opened; until then they
     * sign in with the old one. The answer is the same when somebody else has it: they are not told of each other.
     *
     * @param email in lower case
     * @throws conflict where no mail leaves; too-many
     */
    async askForChange(userId: string, email: string): Promise<void> {
      if (mail.delivery === 'none')
        throw conflict('This installation sends no mail: ask whoever runs it to change your address.');
      await count({ userId, email });
      const mailId = await store.asSystem(async (tx) => {
        const account = await findOwnAccount(tx, userId);
        if (!account || account.email === email || (await findAccount(tx, email))) return undefined;
        return ask(tx, { userId, name: account.name, email, language: account.language });
      });
      mail.dispatch([mailId]);
    },

    /**
     * Somebody opened the link: the address is proven, and takes the place of another one. Links to the old one open nothing any
     * more, and it is told.
     *
     * @throws not-found for a link that is used, too old or unknown; conflict when somebody has the address meanwhile
     */
    async prove(token: string): Promise<{ email: string }> {
      const { email, mailId } = await store.asSystem(async (tx) => {
        const used = await useOneTimeToken(tx, 'address', token);
        const account = used && (await findOwnAccount(tx, used.userId));
        if (!used || !account || account.disabledAt) throw notFound('The link');
        if (used.email === account.email) {
          if (used.mailed) await markAddressProven(tx, account.id);
          return { email: used.email, mailId: undefined };
        }
        if (await findAccount(tx, used.email)) throw conflict('There is an account with this address already.');
        await forgetMailedLinks(tx, account.id);
        await changeAddress(tx, account.id, used.email, used.mailed);
        if (!account.emailVerifiedAt) return { email: used.email, mailId: undefined };
        const { name, language } = account;
        const values = { name, time: tx.now.toISOString() };
        const notice = {
          template: 'address_changed' as const,
          to: account.email,
          language,
          values,
          minutes: 2 * MINUTES,
        };
        return { email: used.email, mailId: await mail.write(tx, notice) };
      });
      mail.dispatch([mailId]);
      forget();
      return { email };
    },

    state: (userId: string): Promise<AddressState> =>
      store.asSystem(async (tx) => {
        const account = await findOwnAccount(tx, userId);
        if (!account) throw notFound('The account');
        const [pending] = await tx
          .select({ email: oneTimeTokens.email })
          .from(oneTimeTokens)
          .where(
            and(
              eq(oneTimeTokens.userId, userId),
              eq(oneTimeTokens.purpose, 'address'),
              ne(oneTimeTokens.email, account.email),
              isNull(oneTimeTokens.usedAt),
              gt(oneTimeTokens.expiresAt, sql`now()`),
            ),
          )
          .limit(1);
        return {
          email: account.email,
          emailVerified: account.emailVerifiedAt !== null,
          pendingEmail: pending?.email ?? null,
          mail: mail.delivery,
        };
      }),
  };
}
