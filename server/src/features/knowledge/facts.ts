import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

export const knowledgeFacts = defineFacts({
  'knowledge_base.created': z.object({}),
  'knowledge_base.deleted': z.object({}),
  'source.created': z.object({ type: z.string() }),
  'source.changed': z.object({ fields: z.array(z.string()) }),
  'source.deleted': z.object({}),
});
