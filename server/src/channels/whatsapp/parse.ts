/** A WhatsApp webhook to the common inbound events. Every message and status of the batch has its own fate. */
// Real time (1): when an event arrived that does not say when it happened.
import { z } from 'zod';
import { badRequest } from '../../platform/errors.ts';
import type { Inbound, Parsed, Sender, WebhookRequest } from '../contract.ts';
import { receiptId } from '../inbound.ts';
import { readJson } from '../json.ts';
import { contentOf, isEmpty, unsupportedOf } from './content.ts';
import type { WhatsappCredentials } from './credentials.ts';
import { identityOf, threadKeyOf, type Identity } from './identity.ts';
import { readLeniently, withoutNulls } from './lenient.ts';
import {
  contact,
  envelope,
  message,
  status,
  value,
  type Contact,
  type Message,
  type Status,
  type Value,
} from './payload.ts';

export function parse(request: WebhookRequest, { phoneNumberId }: WhatsappCredentials): Parsed {
  const parsed: Parsed = { events: [], skipped: [] };
  for (const change of changesOf(request)) {
    const number = change.value.metadata?.phone_number_id;
    if (number !== phoneNumberId) {
      // Of the account rather than of a number (templates, reviews), or of another number that has this address, too.
      if (number !== undefined) parsed.skipped.push('an event of another number');
      continue;
    }
    readChange(change.field, change.value, parsed);
  }
  // Of one delivery, what happened first comes first; what has the same second keeps its place.
  parsed.events.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return parsed;
}

/** The numbers a request at an app's shared address is for. */
export const inboxOf = (request: WebhookRequest): string[] => [
  ...new Set(changesOf(request).flatMap((change) => change.value.metadata?.phone_number_id ?? [])),
];

function changesOf(request: WebhookRequest): { field: string; value: Value }[] {
  const body = envelope.safeParse(withoutNulls(readJson(request.rawBody, 'a WhatsApp webhook')));
  if (!body.success) throw badRequest('This is not a WhatsApp webhook.');
  return body.data.entry.flatMap(({ changes }) =>
    changes.flatMap((change) => {
      const { data } = readLeniently(change.value, value);
      return data ? [{ field: change.field, value: data }] : [];
    }),
  );
}

function readChange(field: string, of: Value, parsed: Parsed): void {
  const contacts = (of.contacts ?? []).flatMap((item) => readLeniently(item, contact).data ?? []);
  const each = <T>(
    items: unknown[] | undefined,
    schema: z.ZodType<T>,
    what: string,
    read: (item: T) => Inbound | string,
  ): void => {
    for (const [index, item] of (items ?? []).entries()) {
      const { result, odd } = readItem(item, schema, read);
      if (typeof result !== 'string') parsed.events.push(result);
      const said = odd ?? (typeof result === 'string' ? result : '');
      if (said !== '') parsed.skipped.push(`${what} ${index}: ${said}`);
    }
  };
  if (field === 'messages') {
    each(of.messages, message, 'message', (item) => fromMessage(item, contacts));
    each(of.statuses, status, 'status', fromStatus);
  }
  if (field === 'smb_message_echoes') each(of.message_echoes, message, 'echo', (item) => fromEcho(item, contacts));
}

type Item = { result: Inbound | string; odd?: string };

/** What cannot be read is said: of one field, or the whole. It keeps no other of its batch from being stored. */
function readItem<T>(item: unknown, schema: z.ZodType<T>, read: (item: T) => Inbound | string): Item {
  try {
    const { data, odd } = readLeniently(item, schema);
    const said = odd === undefined ? {} : { odd: `${odd} is not as it should be` };
    return { result: data === undefined ? '' : read(data), ...said };
  } catch (error) {
    return { result: `it could not be read (${error instanceof Error ? error.name : 'unknown'})` };
  }
}

const timeOf = (seconds: number | undefined): string =>
  (seconds === undefined ? new Date() : new Date(seconds * 1000)).toISOString();

function base(item: { timestamp?: number | undefined }, platformId: string, who: Identity, about?: Contact) {
  const { phone, otherIds, ...identity } = who;
  const sender: Sender = {
    ...identity,
    ...(otherIds.length > 0 ? { otherIds } : {}),
    ...(about?.profile?.name ? { name: about.profile.name } : {}),
    ...(about?.profile?.username ? { username: about.profile.username } : {}),
    ...(phone === undefined ? {} : { phone }),
  };
  return { platformId, threadKey: threadKeyOf(who), at: timeOf(item.timestamp), sender };
}

/** An empty text: nothing to say about it. */
function fromMessage(item: Message, contacts: Contact[]): Inbound | string {
  if (item.group_id !== undefined) return 'of a group';
  if (item.type === 'system') return fromSystem(item, contacts);
  const about = contactOf(contacts, item.from, item.from_user_id);
  const who = identityOf(item.from, item.from_user_id, about?.wa_id, about?.user_id);
  if (!who) return 'without a sender';
  const of = base(item, `message:${item.id}`, who, about);
  return fromChange(item, of) ?? { kind: 'message', ...of, ...spoken(item) };
}

/** Reactions, edits and deletions are about another message. */
function fromChange(item: Message, of: ReturnType<typeof base>): Inbound | undefined {
  if (item.type === 'reaction' && item.reaction) {
    return { kind: 'reaction', ...of, messageId: item.reaction.message_id, emoji: item.reaction.emoji || null };
  }
  if (item.type === 'edit' && item.edit) {
    const { original_message_id: messageId, message: edited } = item.edit;
    const text = contentOf(edited)?.text;
    // What cannot be read takes no words away: it is shown as a message of its own.
    return text === undefined ? undefined : { kind: 'edit', ...of, messageId, text };
  }
  if (item.type === 'revoke' && item.revoke)
    return { kind: 'delete', ...of, messageId: item.revoke.original_message_id };
  return undefined;
}

function spoken(item: Message) {
  const known = contentOf(item);
  const content = known && !isEmpty(known) ? known : unsupportedOf(item);
  const details = { ...known?.details, ...(item.referral ? { referral: item.referral } : {}) };
  return {
    messageId: item.id,
    ...content,
    ...(Object.keys(details).length > 0 ? { details } : {}),
    ...(item.context?.id ? { replyToMessageId: item.context.id } : {}),
  };
}

/** Written in the WhatsApp Business app of the number itself; the customer is the one it went to. */
function fromEcho(item: Message, contacts: Contact[]): Inbound | string {
  const about = contactOf(contacts, item.to, item.to_user_id) ?? onlyOne(contacts);
  // Of an edit or a deletion the customer stands in `from` as often as in `to`.
  const who = identityOf(about?.wa_id, about?.user_id, item.to, item.to_user_id);
  if (!who) return 'without a recipient';
  const of = base(item, `message:${item.id}`, who, about);
  const change = fromChange(item, of);
  if (change) return change.kind === 'reaction' ? '' : change;
  const { action: _action, ...said } = spoken(item);
  return { kind: 'echo', ...of, ...said };
}

/** The person changed the number, or got another user id with a new one. */
function fromSystem(item: Message, contacts: Contact[]): Inbound | string {
  const { type = '', wa_id: number, user_id: userId, previous_user_id: previousUser } = item.system ?? {};
  const about = contactOf(contacts, item.from, item.from_user_id);
  const moved = (previousId: string | undefined, next: string | undefined): Inbound | string => {
    const who = identityOf(next);
    if (!who || previousId === undefined || !identityOf(previousId)) return `system message ${type} without ids`;
    return { kind: 'identity', ...base(item, `message:${item.id}`, who, about), previousId };
  };
  if (type === 'user_changed_number') return moved(item.from, number);
  if (type === 'user_changed_user_id') return moved(previousUser, userId ?? item.from_user_id ?? about?.user_id);
  return '';
}

const STATUSES = { sent: 'sent', delivered: 'delivered', read: 'read', played: 'read', failed: 'failed' } as const;
const isKnown = (name: string): name is keyof typeof STATUSES => Object.hasOwn(STATUSES, name);

function fromStatus(item: Status): Inbound | string {
  if (!isKnown(item.status)) return `unknown status ${item.status.slice(0, 40)}`;
  if (item.recipient_type === 'group') return 'of a group';
  const who = identityOf(item.recipient_id, item.recipient_user_id);
  if (!who) return 'without a recipient';
  const status = STATUSES[item.status];
  const error = item.errors?.[0];
  return {
    kind: 'status',
    ...base(item, receiptId(item.id, status), who),
    messageId: item.id,
    status,
    ...(status === 'failed'
      ? {
          failure: {
            code: String(error?.code ?? 'unknown'),
            message:
              error?.error_data?.details ??
              error?.message ??
              error?.title ??
              'WhatsApp says no more than that it failed.',
            retryable: !PERMANENT.has(error?.code ?? 0),
          },
        }
      : {}),
  };
}

/** Of this recipient, or of what was asked: the same again cannot work. */
export const PERMANENT = new Set([
  100, 131008, 131009, 131021, 131026, 131030, 131050, 131051, 131052, 131053, 132000, 132001, 132005, 132007, 132012,
  132015, 132016,
]);

const contactOf = (contacts: Contact[], ...ids: (string | undefined)[]): Contact | undefined =>
  contacts.find(({ wa_id, user_id }) => ids.some((id) => id !== undefined && (id === wa_id || id === user_id))) ??
  (ids.every((id) => id === undefined) ? onlyOne(contacts) : undefined);

const onlyOne = (contacts: Contact[]): Contact | undefined => (contacts.length === 1 ? contacts[0] : undefined);
