/** What was said, of whatever kind, as text, files and details. */
import type { Inbound, MediaReference } from '../contract.ts';
import type { Content, Message } from './payload.ts';
import { assertModestText, jsonLimits } from '../../platform/limits/json-limits.ts';

type Said = Pick<
  Extract<Inbound, { kind: 'message' }>,
  'type' | 'text' | 'media' | 'location' | 'details' | 'unsupported' | 'action'
>;
type File = NonNullable<Content['image']>;

const mediaOf = (kind: MediaReference['kind'], file: File): MediaReference => ({
  kind,
  reference: file.id,
  ...(file.filename ? { name: file.filename } : {}),
  ...(file.mime_type ? { mime: file.mime_type } : {}),
  ...(file.file_size === undefined ? {} : { size: file.file_size }),
});

const FILES = [
  ['image', 'image'],
  ['audio', 'audio'],
  ['video', 'video'],
  ['document', 'document'],
  // a sticker is a picture
  ['sticker', 'image'],
] as const;

/** Undefined for kinds we do not know, or without what makes them up. */
export function contentOf(message: Content): Said | undefined {
  for (const [field, kind] of FILES) {
    const file = message.type === field ? message[field] : undefined;
    if (file)
      return {
        type: kind,
        text: file.caption ?? '',
        media: [mediaOf(kind, file)],
        ...(field === 'sticker' ? { details: { sticker: true } } : {}),
      };
  }
  switch (message.type) {
    case 'text':
      return message.text && { type: 'text', text: message.text.body, media: [] };
    case 'location': {
      if (!message.location) return undefined;
      const { latitude, longitude, name, address } = message.location;
      const title = [name, address].filter(Boolean).join(', ');
      return {
        type: 'location',
        text: '',
        media: [],
        location: { latitude, longitude, ...(title ? { name: title } : {}) },
      };
    }
    case 'contacts':
      return message.contacts && cards(message.contacts);
    case 'button':
      return message.button && pressed(message.button.text ?? message.button.payload ?? '', message.button.payload);
    case 'interactive':
      return message.interactive && chosen(message.interactive);
    case 'order':
      return message.order && ordered(message.order);
    default:
      return undefined;
  }
}

const pressed = (text: string, id: string | undefined): Said => ({
  type: 'interactive',
  text,
  media: [],
  ...(id === undefined ? {} : { details: { choice: id } }),
  ...(id === 'request_agent' || id === 'ask_differently' ? { action: id } : {}),
});

function chosen(reply: NonNullable<Content['interactive']>): Said | undefined {
  if (reply.button_reply) return pressed(reply.button_reply.title, reply.button_reply.id);
  if (reply.list_reply) {
    const { id, title, description } = reply.list_reply;
    return pressed(description ? `${title}\n${description}` : title, id);
  }
  if (reply.nfm_reply) {
    const form = readForm(reply.nfm_reply.response_json);
    const lines = Object.entries(form).map(([field, answer]) => `${field}: ${wordsOf(answer)}`);
    const text = lines.join('\n') || (reply.nfm_reply.body ?? '');
    return { type: 'interactive', text, media: [], details: { form } };
  }
  if (reply.call_permission_reply) {
    const { response } = reply.call_permission_reply;
    return pressed(response === 'accept' ? 'Calls are allowed.' : 'Calls are not allowed.', `call_${response}`);
  }
  return undefined;
}

/** A form's answer as text: it is the customer's own JSON, and may be anything. */
const wordsOf = (answer: unknown): string =>
  typeof answer === 'object' && answer !== null ? JSON.stringify(answer).slice(0, 1_000) : String(answer);

/** What was filled in; the token of the form is not a word of the customer's. */
function readForm(json: string | undefined): Record<string, unknown> {
  try {
    const text = json ?? '{}';
    assertModestText(text, jsonLimits);
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return {};
    const { flow_token: _token, ...answers } = read as Record<string, unknown>;
    return answers;
  } catch {
    return {};
  }
}

function ordered({ product_items: items, text, catalog_id: catalog }: NonNullable<Content['order']>): Said {
  const lines = items.map(({ quantity, product_retailer_id: product, item_price: price, currency }) =>
    [`${quantity} × ${product}`, ...(price === undefined ? [] : [`${price} ${currency ?? ''}`.trim()])].join(', '),
  );
  return {
    type: 'interactive',
    text: [...(text ? [text] : []), ...lines].join('\n'),
    media: [],
    details: { order: { ...(catalog ? { catalog } : {}), items } },
  };
}

function cards(contacts: NonNullable<Content['contacts']>): Said {
  const lines = contacts.map(({ name, phones = [], emails = [] }) => {
    const known = name?.formatted_name ?? [name?.first_name, name?.last_name].filter(Boolean).join(' ');
    return [known, ...phones.map(({ phone }) => phone), ...emails.map(({ email }) => email)].filter(Boolean).join('\n');
  });
  return { type: 'contact', text: lines.join('\n\n'), media: [], details: { contacts } };
}

/** Of a known kind, with nothing in it that could be shown. */
export const isEmpty = ({ text, media, location }: Said): boolean => text === '' && media.length === 0 && !location;

/** Something came that WhatsApp does not hand over: edits of old clients, polls, view-once pictures. */
export function unsupportedOf({ type, unsupported, errors }: Message): Said {
  const error = errors?.[0];
  return {
    type: 'unsupported',
    text: '',
    media: [],
    unsupported: {
      kind: unsupported?.type ?? type,
      code: String(error?.code ?? 'unknown'),
      reason: error?.error_data?.details ?? error?.title ?? 'WhatsApp does not hand over this kind of message.',
    },
  };
}
