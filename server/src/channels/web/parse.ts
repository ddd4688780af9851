/** What a visitor's widget says over the socket, as the common inbound message. */
import { VisitorEvents } from '@parley/contract';
import type { z } from 'zod';
import { badRequest } from '../../platform/errors.ts';
import type { Inbound, Sender } from '../contract.ts';

/** The visitor as the signed token names them; never taken from a payload. */
export type Visitor = Omit<Sender, 'externalId'> & { id: string };

/** Where and when the event reached us. `eventId` is a fresh id: the dedupe key of events without a clientId. */
export type Arrival = { visitor: Visitor; eventId: string; at: Date };

/** The visitor's events that belong to a conversation's history (typing and resuming do not). */
export type WebEvent = 'customer:start_chat' | 'customer:send_message' | 'customer:request_agent' | 'customer:end_chat';

type Said = Pick<Extract<Inbound, { kind: 'message' }>, 'text' | 'action' | 'clientId' | 'attachmentIds'> & {
  sender?: Partial<Sender>;
};
type Readers = { [E in WebEvent]: (payload: z.output<(typeof VisitorEvents)[E]>) => Said };

const readers: Readers = {
  // The greeting answers it; what the visitor typed into the form is only a claim about who they are.
  'customer:start_chat': ({ name, email, metadata }) => ({
    text: '',
    action: 'start',
    sender: { ...(name ? { name } : {}), ...(email ? { email } : {}), ...(metadata ? { metadata } : {}) },
  }),
  'customer:send_message': ({ text, clientId, attachmentIds }) => ({
    text,
    clientId,
    ...(attachmentIds?.length ? { attachmentIds } : {}),
  }),
  'customer:request_agent': () => ({ text: '', action: 'request_agent' }),
  'customer:end_chat': () => ({ text: '', action: 'end' }),
};

/** Throws badRequest, naming the fields, on a payload that is not the event's. */
export function parseVisitorEvent<E extends WebEvent>(event: E, payload: unknown, arrival: Arrival): Inbound {
  const parsed = VisitorEvents[event].safeParse(payload);
  if (!parsed.success) {
    const details = parsed.error.issues.slice(0, 10);
    throw badRequest(
      'The input is not valid.',
      details.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    );
  }
  const { sender, ...said } = readers[event](parsed.data as z.output<(typeof VisitorEvents)[E]>);
  const { id, ...known } = arrival.visitor;
  // Inside the visitor's own name space: a client id somebody else chose can never swallow this message.
  const platformId = `${id}:${said.clientId ?? arrival.eventId}`;
  return {
    kind: 'message',
    platformId,
    threadKey: id,
    at: arrival.at.toISOString(),
    sender: { ...sender, ...known, externalId: id },
    messageId: platformId,
    type: 'text',
    media: [],
    ...said,
  };
}
