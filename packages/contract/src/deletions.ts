import { z } from 'zod';

/**
 * What depends on a thing that may be deleted, and what becomes of that. Asked before (`GET …/:id/deletion`); the deletion
 * does it.
 */
export const DeletionEffect = z.object({
  what: z.enum([
    'openConversations',
    'pastConversations',
    'sources',
    'passages',
    'files',
    'bots',
    'inboxes',
    'invitations',
  ]),
  count: z.int(),
  becomes: z.enum(['resolved', 'queued', 'unassigned', 'handedOver', 'kept', 'deleted', 'detached', 'withdrawn']),
});
export type DeletionEffect = z.infer<typeof DeletionEffect>;
/** Only what there is any of. */
export const Deletion = z.object({ effects: z.array(DeletionEffect) });
export type Deletion = z.infer<typeof Deletion>;
