import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

const by = z.uuid();

export const webhookFacts = defineFacts({
  'webhook.created': z.object({ events: z.array(z.string()), by }),
  'webhook.changed': z.object({ fields: z.array(z.string()), by }),
  'webhook.deleted': z.object({ by }),
  'webhook.secret_rotated': z.object({ by }),
});
