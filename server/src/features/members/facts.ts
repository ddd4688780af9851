import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

export const memberFacts = defineFacts({
  'member.invited': z.object({ role: z.string(), by: z.uuid() }),
  'member.role_changed': z.object({ userId: z.uuid(), from: z.string(), to: z.string(), by: z.uuid() }),
  'member.removed': z.object({ userId: z.uuid(), by: z.uuid() }),
});
