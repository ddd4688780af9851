import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

export const botFacts = defineFacts({
  'bot.created': z.object({ name: z.string() }),
  'bot.changed': z.object({ fields: z.array(z.string()) }),
  'bot.deleted': z.object({}),
});
