/** Clients of the limits shared by all processes, in a process of their own. */
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger } from '../../server/src/platform/telemetry/log.ts';
import { createSharedLimits } from '../../server/src/platform/limits/shared-limits.ts';
import { serve } from './child.ts';

const functions = {
  /** `clients` take one after the other until each was refused; how many were let in. */
  async drain(order: { redisUrl: string; name: string; capacity: number; clients: number; takes: number }) {
    const limits = createSharedLimits({
      place: { url: order.redisUrl, prefix: 'parley' },
      log: createLogger({ level: 'fatal' }),
    });
    // It refills by less than one within the run.
    const bucket = limits.make(order.name, { capacity: order.capacity, refillPerSecond: 0.001 });
    // Without Redis a process counts alone; the connection is there before it counts.
    await pause(1_000);
    let allowed = 0;
    const client = async (): Promise<void> => {
      for (let take = 0; take < order.takes; take++) if ((await bucket.take('one key')).allow) allowed += 1;
    };
    await Promise.all(Array.from({ length: order.clients }, client));
    limits.close();
    return allowed;
  },
};
export type LimitClients = typeof functions;
serve(functions);
