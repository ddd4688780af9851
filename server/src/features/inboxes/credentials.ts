import type { ChannelName } from '@parley/contract';
import { channels } from '../../channels/registry.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { badRequest } from '../../platform/errors.ts';
import { fieldProblems } from '../../platform/http/index.ts';
import { newToken } from '../../platform/data/ids.ts';

/**
 * What somebody typed as credentials, checked by the channel. Fields the channel invents are filled in when left out.
 * @throws badRequest naming the fields, never their content
 */
export function parseCredentials(channel: ChannelName, input: Record<string, unknown>): unknown {
  const { credentials, generated = [] } = channels[channel];
  const missing = generated.filter((field) => input[field] === undefined || input[field] === '');
  const filled = { ...input, ...Object.fromEntries(missing.map((field) => [field, newToken()])) };
  const parsed = credentials.safeParse(filled);
  if (parsed.success) return parsed.data;
  throw badRequest(
    'The credentials are not valid.',
    fieldProblems(parsed.error).map((problem) => ({
      ...problem,
      field: problem.field ? `credentials.${problem.field}` : 'credentials',
    })),
  );
}

/** Those fields of the credentials that were left out and invented; undefined when there are none. */
export function madeUp(
  channel: ChannelName,
  input: Record<string, unknown>,
  credentials: unknown,
): Record<string, string> | undefined {
  const values = new Map<string, unknown>(Object.entries(Object(credentials)));
  const made = (channels[channel].generated ?? []).filter((field) => !input[field]);
  return made.length === 0 ? undefined : Object.fromEntries(made.map((field) => [field, String(values.get(field))]));
}

/** The id of the row is bound in: credentials copied to another inbox do not open there. */
export const sealCredentials = (keyring: Keyring, inboxId: string, credentials: unknown): string =>
  keyring.encrypt(JSON.stringify(credentials), inboxId);

/** @throws DecryptError, or ZodError when the channel no longer takes what was stored */
export function openCredentials(
  keyring: Keyring,
  inbox: { id: string; channel: ChannelName; credentials: string | null },
): unknown {
  const stored: unknown = inbox.credentials === null ? {} : JSON.parse(keyring.decrypt(inbox.credentials, inbox.id));
  return channels[inbox.channel].credentials.parse(stored);
}
