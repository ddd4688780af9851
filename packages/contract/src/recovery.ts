import { z } from 'zod';
import { Done, success } from './common.ts';
import { api, get, post } from './declare.ts';
import { MailDelivery } from './mail.ts';
import { Email, Password } from './people.ts';

/** Ways back into an account, and proofs of an address. */

const Token = z.string().min(10).max(200);

export const RecoveryState = z.object({ mail: MailDelivery });
export const ForgotPasswordInput = z.strictObject({ email: Email }).meta({ examples: [{ email: 'ada@acme.example' }] });
export const ResetPasswordInput = z
  .strictObject({ token: Token, password: Password })
  .meta({ examples: [{ token: 'from-the-link-in-the-mail', password: 'correct horse battery' }] });
export const ProveAddressInput = z
  .strictObject({ token: Token })
  .meta({ examples: [{ token: 'from-the-link-in-the-mail' }] });
export const AddressState = z.object({
  email: z.string(),
  /** somebody opened a link that was mailed to it */
  emailVerified: z.boolean(),
  /** an address that takes its place once it is proven */
  pendingEmail: z.string().nullable(),
  mail: MailDelivery,
});
export type AddressState = z.infer<typeof AddressState>;

export const recoveryApi = api('Sign-in', {
  state: get('/auth/recovery', 'public', {
    summary: 'How links reach whoever forgot a password',
    response: success(RecoveryState),
  }),
  forgotPassword: post('/auth/forgot-password', 'public', {
    summary: 'Have a link sent for a new password',
    body: ForgotPasswordInput,
    response: success(Done),
  }),
  resetPassword: post('/auth/reset-password', 'public', {
    summary: 'Set a new password by the link',
    body: ResetPasswordInput,
    response: success(Done),
  }),
  proveAddress: post('/auth/prove-address', 'public', {
    summary: 'Prove an address by the link mailed to it',
    body: ProveAddressInput,
    response: success(z.object({ email: z.string() })),
  }),
  address: get('/me/address', 'signed-in', {
    summary: 'Whether my address is proven',
    response: success(AddressState),
  }),
  askForAddressProof: post('/me/address/proof', 'signed-in', {
    summary: 'Have a link mailed that proves my address',
    response: success(Done),
  }),
});
