import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { findAccount } from '../members/queries.ts';
import { addOneTimeToken } from './one-time.ts';

const MINUTES = 30;

/**
 * A link for a new password that whoever runs the installation passes on: where no mail is sent, or the address is not proven.
 * In a transaction of `asSystem`.
 *
 * @throws not-found for an address without an account, or one that was disabled
 */
export async function makeResetLink(tx: Tx, email: string, publicUrl: string): Promise<string> {
  const account = await findAccount(tx, email.trim().toLowerCase());
  if (!account || account.disabledAt) throw notFound('The account');
  const to = { userId: account.id, email: account.email, mailed: false, minutes: MINUTES };
  return `${publicUrl}/reset-password#token=${await addOneTimeToken(tx, 'password_reset', to)}`;
}
