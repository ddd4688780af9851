import { z } from 'zod';
import { Done, Id, IdParams, PageQuery, Timestamp, paged, success } from './common.ts';
import { api, get, remove } from './declare.ts';
import { DeviceName } from './people.ts';

/** Where somebody is signed in: one browser or program, until it signs out or is ended. */
export const OpenSession = DeviceName.extend({
  id: Id,
  /** from which it was used last; null when it is not known */
  address: z.string().nullable(),
  createdAt: Timestamp,
  /** to the minute */
  lastUsedAt: Timestamp,
  /** whether it is the one that asks */
  current: z.boolean(),
});
export type OpenSession = z.infer<typeof OpenSession>;

export const accountApi = api('Sign-in', {
  listSessions: get('/me/sessions', 'signed-in', {
    summary: 'Where I am signed in, the last used first',
    query: PageQuery,
    response: paged(OpenSession),
  }),
  endSession: remove('/me/sessions/:id', 'signed-in', {
    summary: 'End one of my sessions',
    params: IdParams,
    response: success(Done),
  }),
  endOtherSessions: remove('/me/sessions', 'signed-in', {
    summary: 'End all my sessions but this one',
    response: success(z.object({ ended: z.int() })),
  }),
});
