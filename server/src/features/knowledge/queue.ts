import { z } from 'zod';
import type { QueueDefinition } from '../../platform/jobs/jobs.ts';

/** A source of a knowledge base to read. */
export const SourceToRead = z.object({ workspaceId: z.uuid(), sourceId: z.uuid() });

export const knowledgeQueue: QueueDefinition<z.infer<typeof SourceToRead>> = {
  name: 'knowledge',
  sentence: 'Reads documents, pages and answers into passages that bots can find.',
  schema: SourceToRead,
  concurrency: 2,
};
