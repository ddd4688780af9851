/** What a visitor's widget says over the socket, as the common inbound message. */
import { visitorEvents } from '@parley/contract';
import type { z } from 'zod';
import { badRequest } from '../../platform/errors.ts';
import type { Inbound, Sender } from '../contract.ts';

/** The visitor as the signed token names them; never taken from a payload. */
export type Visitor = Omit<Sender, 'externalId'> & { id: string };

/** From whom, and when the event reached us. `eventId` is a fresh id: the dedupe key of events without a clientId. */
export type Arrival = { visitor: Visitor; eventId: string; at: Date };

/** The visitor's events that belong to a conversation's history (typing and resuming do not). */
export type WebEvent = 'customer:start_chat' | 'customer:send_message' | 'customer:request_agent' | 'customer:end_chat';

type Said = Pick<Extract<Inbound, { kind: 'message' }>, 'text' | 'action' | 'clientId' | 'attachmentIds'> & {
  /** what the visitor claims about themselves */
  claims?: Omit<Sender, 'externalId'>;
};

const readers: Record<WebEvent, (payload: unknown) => Said> = {
  'customer:start_chat': reader(visitorEvents['customer:start_chat'], ({ name, email, metadata }) => ({
    text: '',
    action: 'start',
    claims: {
      ...(name ? { name } : {}),
      ...(email ? { email } : {}),
      ...(metadata ? { metadata } : {}),
    },
  })),
  'customer:send_message': reader(visitorEvents['customer:send_message'], ({ text, clientId, attachmentIds }) => ({
    text,
    clientId,
    ...(attachmentIds?.length ? { attachmentIds } : {}),
  })),
  'customer:request_agent': reader(visitorEvents['customer:request_agent'], () => ({
    text: '',
    action: 'request_agent',
  })),
  'customer:end_chat': reader(visitorEvents['customer:end_chat'], () => ({ text: '', action: 'end' })),
};

function reader<P>(schema: z.ZodType<P>, read: (payload: P) => Said): (payload: unknown) => Said {
  return (payload) => {
    const parsed = schema.safeParse(payload);
    if (parsed.success) return read(parsed.data);
    const details = parsed.error.issues.slice(0, 10);
    throw badRequest(
      'The input is not valid.',
      details.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    );
  };
}

/** Throws badRequest, naming the fields, on a payload that is not the event's. */
export function parseVisitorEvent(event: WebEvent, payload: unknown, arrival: Arrival): Inbound {
  const { claims, ...said } = readers[event](payload);
  const { id, ...known } = arrival.visitor;
  // Inside the visitor's own name space: a client id somebody else chose can never swallow this message.
  const platformId = `${id}:${said.clientId ?? arrival.eventId}`;
  return {
    kind: 'message',
    platformId,
    threadKey: id,
    at: arrival.at.toISOString(),
    sender: { ...claims, ...known, externalId: id },
    messageId: platformId,
    type: 'text',
    media: [],
    ...said,
  };
}
