import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

export const inboxFacts = defineFacts({
  'inbox.created': z.object({ channel: z.string(), status: z.string() }),
  'inbox.changed': z.object({ fields: z.array(z.string()) }),
  'inbox.deleted': z.object({}),
  'inbox.disconnected': z.object({ reason: z.string() }),
});
