import { type Handoff, handoffsApi } from '@parley/contract';
import { MAX_QUEUE_IN_EVENT } from '@parley/contract/limits';
import { QueryClient } from '@tanstack/vue-query';
import { expect, it, vi } from 'vitest';
import type { LiveDeps } from '../../app/feature.ts';
import { keyOf } from '../../api/cache.ts';
import feature from './feature.ts';

it('takes a short queue from the event and reads a long one to its end', () => {
  const client = new QueryClient();
  const key = [...keyOf(handoffsApi.list), {}, {}, 'all'];
  client.setQueryData(key, []);
  const read = vi.spyOn(client, 'invalidateQueries');
  const events = feature.live?.({ client } as unknown as LiveDeps);
  const queue = (length: number, total = length) => ({
    handoffs: Array.from({ length }, (_, id) => ({ id }) as unknown as Handoff),
    total,
  });
  events?.['queue:update']?.(queue(2));
  expect(client.getQueryData(key)).toHaveLength(2);
  expect(read).not.toHaveBeenCalled();
  events?.['queue:update']?.(queue(MAX_QUEUE_IN_EVENT, MAX_QUEUE_IN_EVENT + 1));
  expect(client.getQueryData(key)).toHaveLength(2);
  expect(read).toHaveBeenCalledWith({ queryKey: keyOf(handoffsApi.list) });
});
