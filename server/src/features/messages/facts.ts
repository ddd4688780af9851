import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

const conversationId = z.uuid();

export const messageFacts = defineFacts({
  'message.received': {
    /** `files`: how many the customer sent along, which are yet to be fetched from the platform */
    payload: z.object({ conversationId, files: z.int() }),
    formerly: ['message.received_with_media'],
    // Those without a number are of the time when files had a fact of their own name; whoever fetches looks what there is.
    upgrade: (old) => ({ files: 1, ...old }),
  },
  /** The customer's files were fetched, or the message says which could not be. */
  'message.files_stored': z.object({ conversationId, stored: z.int(), missing: z.int() }),
  'message.sent': z.object({ conversationId, turnId: z.uuid().optional() }),
  /** a colleague answered in the platform's own app; `files` are yet to be fetched */
  'message.echoed': z.object({ conversationId, files: z.int() }),
  'note.written': z.object({ conversationId }),
});
