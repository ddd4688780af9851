import { z } from 'zod';

/** Why a conversation waits for a person. */
export const HandoffReason = z.enum([
  'CUSTOMER_REQUEST',
  'BOT_NOT_ENOUGH_DATA',
  'MODEL_FAILED',
  'MODEL_REQUEST',
  'AGENT_TAKE_OVER',
  'NO_BOT',
  /** whoever had it left the team */
  'AGENT_LEFT',
]);
export type HandoffReason = z.infer<typeof HandoffReason>;
