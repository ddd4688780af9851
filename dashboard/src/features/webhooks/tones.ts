import type { WebhookDelivery } from '@parley/contract';

/** A pending delivery that failed already is being tried again. */
export function stateOf({ state, error }: WebhookDelivery): 'delivered' | 'failed' | 'retrying' | 'pending' {
  return state === 'pending' && error !== null ? 'retrying' : state;
}
export const tones = { delivered: 'ok', failed: 'danger', retrying: 'warn', pending: 'neutral' } as const;
