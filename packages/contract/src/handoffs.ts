import { z } from 'zod';
import { CursorQuery, Id, Timestamp, countedCursored, IdParams, success } from './common.ts';
import { api, get, post } from './declare.ts';
import { Priority } from './conversations.ts';
import { HandoffReason } from './handoff-reasons.ts';
import { ChannelName } from './inboxes.ts';

/** Between what people waited lately and what some of them did, in seconds. */
export const ExpectedWait = z.object({ minSeconds: z.int(), maxSeconds: z.int() });
export type ExpectedWait = z.infer<typeof ExpectedWait>;

export const Handoff = z.object({
  id: Id,
  conversationId: Id,
  reason: HandoffReason,
  reasonDetail: z.string().nullable(),
  priority: Priority,
  /** 1 is next */
  position: z.int(),
  /** null until enough people were picked up; grows only while others get a place before */
  expectedWait: ExpectedWait.nullable(),
  /** the middle of `expectedWait` */
  expectedWaitSeconds: z.int().nullable(),
  waitingSince: Timestamp,
  question: z.string().nullable(),
  attempt: z.string().nullable(),
  contact: z.object({ id: Id, name: z.string() }),
  inbox: z.object({ id: Id, name: z.string(), channel: ChannelName }),
});
export type Handoff = z.infer<typeof Handoff>;
export const HandoffPickedUp = z.object({ conversationId: Id, handoffId: Id });

/** agent → server */
export const handoffEvents = {
  'agent:pickup_session': z.strictObject({ conversationId: Id }),
  'admin:debug_queue': z.strictObject({}),
};

export const handoffsApi = api('Handoffs', {
  list: get('/handoffs', 'handoffs:read', {
    summary: 'The queue, next first',
    query: CursorQuery,
    response: countedCursored(Handoff),
  }),
  pickUp: post('/handoffs/:id/pick-up', 'handoffs:write', {
    summary: 'Pick up a waiting conversation; 409 when somebody was faster',
    params: IdParams,
    response: success(HandoffPickedUp),
  }),
});
