import { z } from 'zod';
import { defineFacts } from '../platform/facts/define.ts';

/** Facts nobody but tests knows. */
export const things = defineFacts({
  'thing.happened': {
    payload: z.looseObject({ count: z.int().default(1) }),
    formerly: ['thing.occurred'],
    upgrade: (old) => ({ ...old, count: Number(old.amount) }),
  },
  'thing.nobody_minds': z.looseObject({}),
});
