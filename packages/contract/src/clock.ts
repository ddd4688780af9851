import { z } from 'zod';
import { Timestamp, success } from './common.ts';
import { api, post } from './declare.ts';

/** Ids carry the time as milliseconds, and months of the database are made for it: other centuries are nobody's test. */
const within = (moment: string): boolean => moment >= '2000-01-01' && moment < '2100-01-01';

export const ClockInput = z
  .strictObject({
    now: Timestamp.transform((moment) => new Date(moment).toISOString()).refine(within, 'is not from 2000 to 2099'),
  })
  .meta({ examples: [{ now: '2031-03-01T09:00:00Z' }] });

export const ClockTime = z.object({ now: Timestamp });

/** For tests: only where PARLEY_TEST_CLOCK opens it. */
export const clockApi = api('Clock', {
  set: post('/internal/clock', 'public', {
    summary: 'Set the time of an installation under test',
    body: ClockInput,
    response: success(ClockTime),
  }),
});
