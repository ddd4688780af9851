import type { ChannelName } from '@parley/contract';
import { fieldsOf } from '../../channels/fields.ts';
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

type Sealed = { id: string; channel: ChannelName; credentials: string | null };

/** As they were stored, whatever the channel takes today. @throws DecryptError */
export const readCredentials = (keyring: Keyring, inbox: Sealed): Record<string, unknown> =>
  inbox.credentials === null ? {} : Object(JSON.parse(keyring.decrypt(inbox.credentials, inbox.id)));

/** @throws DecryptError, or ZodError when the channel no longer takes what was stored */
export const openCredentials = (keyring: Keyring, inbox: Sealed): unknown =>
  channels[inbox.channel].credentials.parse(readCredentials(keyring, inbox));

/** A field that is not named, or empty, stays as it was stored; null takes away one the channel can do without. */
export function mergeCredentials(
  channel: ChannelName,
  stored: Record<string, unknown>,
  typed: Record<string, unknown>,
): Record<string, unknown> {
  const fields = fieldsOf(channels[channel].credentials);
  const merged = new Map<string, unknown>();
  for (const { name } of fields) if (stored[name] !== undefined) merged.set(name, stored[name]);
  for (const [name, value] of Object.entries(typed)) {
    if (value === null && fields.some((field) => field.name === name && !field.required)) merged.delete(name);
    else if (value !== '') merged.set(name, value);
  }
  return Object.fromEntries(merged);
}
