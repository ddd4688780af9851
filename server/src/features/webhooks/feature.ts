import { defineFeature } from '../../feature.ts';
import { webhookFacts } from './facts.ts';
import { createWebhookDirectory } from './directory.ts';
import { webhookMetrics } from './metrics.ts';
import { createWebhooks } from './processors.ts';
import { webhookQueue } from './queue.ts';
import { tellWebhooks } from './reactions.ts';
import { webhookEndpointRoutes } from './routes.ts';
import { WEBHOOKS_CHANGED } from './topics.ts';

export const webhooks = defineFeature({
  name: 'webhooks',
  tables: ['webhook_endpoints', 'webhook_deliveries'],
  uses: [
    'config',
    'store',
    'wake',
    'publish',
    'log',
    'metrics',
    'outbound',
    'outside',
    'keyring',
    'queueOf',
    'cacheMs',
  ],
  facts: webhookFacts,
  metrics: [webhookMetrics],
  queues: [webhookQueue],
  topics: { broadcast: [WEBHOOKS_CHANGED] },
  setUp({ config, queueOf, cacheMs, ...kit }) {
    const directory = createWebhookDirectory({ wake: kit.wake, ttlMs: cacheMs });
    const out = createWebhooks({ ...kit, queue: queueOf(webhookQueue) });
    if (config.roles.worker.facts) out.work();
    return {
      routes: (api) => webhookEndpointRoutes(api, { ...kit, sendNow: out.sendNow }),
      reactions: [tellWebhooks({ directory, tell: out.tell })],
      sweeps: [{ name: 'forgotten webhooks', everyMs: 10_000, run: out.look }],
    };
  },
});
