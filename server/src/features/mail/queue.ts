import { z } from 'zod';
import type { QueueDefinition } from '../../platform/jobs/jobs.ts';

export const MailToSend = z.object({ mailId: z.uuid() });
export type MailToSend = z.infer<typeof MailToSend>;

export const mailQueue: QueueDefinition<MailToSend> = {
  name: 'email-send',
  sentence: 'Sends mail of Parley itself: invitations, links for a new password, notices.',
  schema: MailToSend,
  concurrency: 5,
  attempts: 5,
};
