import { z } from 'zod';
import { ClientId, Id, cleanText, line, optionalLine, MAX_MESSAGE_LENGTH } from './common.ts';

const MAX_METADATA = 50;

/** What a page tells about its visitor: as much as is kept, and as the database can hold it. */
const Metadata = z.record(z.string().max(60), z.string().max(500)).transform((metadata) =>
  Object.fromEntries(
    Object.entries(metadata)
      .slice(0, MAX_METADATA)
      .map(([key, value]) => [cleanText(key), cleanText(value)]),
  ),
);

/** Texts of a page that may say anything: numbers are texts too, what is no text is none, and it is cut. */
const said = (max: number) =>
  z
    .unknown()
    .transform((value) =>
      ['string', 'number', 'boolean'].includes(typeof value) ? cleanText(String(value)).trim().slice(0, max) : '',
    );
const MAX_USER_ID = 200;

/** visitor → server */
export const visitorEvents = {
  /** opens the visitor's conversation, or finds it again; answered with SessionCreated */
  'customer:start_chat': z.strictObject({
    name: optionalLine(120).optional(),
    /** one that is not taken for an address is left out: a chat does not fail over what a page says of its visitor */
    email: z.email().max(254).optional().catch(undefined),
    metadata: Metadata.optional(),
  }),
  /**
   * Who the page says its visitor is, at any time of a conversation. `hash` is the hex HMAC-SHA256 of `id` under the inbox's
   * identity secret; `jwt` a JWT signed with it (HS256, `exp`, `sub` = `id`), whose claims are proven too. With neither, or
   * beside a `hash`, what is said is kept as unverified. A wrong signature is refused, and nothing is kept.
   */
  'customer:identify': z
    .object({
      id: said(MAX_USER_ID + 1)
        .refine((id) => id.length <= MAX_USER_ID, 'is too long')
        .optional(),
      name: said(120).optional(),
      email: said(254).optional(),
      phone: said(40).optional(),
      attributes: z
        .unknown()
        .transform((given) =>
          Object.fromEntries(
            Object.entries(Object(given))
              .slice(0, MAX_METADATA)
              .map(([key, value]) => [cleanText(key).slice(0, 60), said(500).parse(value)]),
          ),
        )
        .optional(),
      hash: z.string().max(200).optional(),
      jwt: z.string().max(8000).optional(),
    })
    .refine((given) => Object.values(given).some(Boolean), 'says nothing of a visitor'),
  'customer:send_message': z.strictObject({
    conversationId: Id,
    text: line(MAX_MESSAGE_LENGTH),
    /** a resend with the same id changes nothing */
    clientId: ClientId,
    attachmentIds: z.array(Id).max(10).optional(),
  }),
  'customer:request_agent': z.strictObject({ conversationId: Id }),
  'customer:typing': z.strictObject({ conversationId: Id, typing: z.boolean().default(true) }),
  'customer:end_chat': z.strictObject({ conversationId: Id }),
  /** what was missed: every message after `after` */
  'customer:resume': z.strictObject({ conversationId: Id, after: z.int().min(0) }),
};
