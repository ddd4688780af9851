import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

export const apiKeyFacts = defineFacts({
  'api_key.created': z.object({ scopes: z.array(z.string()), by: z.uuid() }),
  'api_key.revoked': z.object({ by: z.uuid() }),
});
