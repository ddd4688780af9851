import { AppError } from '../../platform/errors.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changeAddress } from '../members/commands.ts';
import { findAccount } from '../members/queries.ts';
import { forgetMailedLinks } from './proof.ts';
import type { Throttle } from './throttle.ts';

const taken = () =>
  new AppError('conflict', 409, 'This address cannot be used.', {
    details: [{ field: 'email', message: 'belongs to another account' }],
  });

export type AskForAddress = (userId: string, email: string) => Promise<void>;

/**
 * Gives somebody another address; what was mailed to the old one opens nothing any more. Taken addresses can be told from free ones,
 * so a person may try few.
 *
 * @throws conflict for an address somebody has; too-many
 */
export const createAskForAddress =
  ({ store, throttle }: { store: Store; throttle: Throttle }): AskForAddress =>
  async (userId, email) => {
    await throttle.countAddressChange(userId);
    await store.asSystem(async (tx) => {
      if (await findAccount(tx, email)) throw taken();
      await changeAddress(tx, userId, email);
      await forgetMailedLinks(tx, userId);
    });
  };
