import { counter, defineMetrics } from '../../platform/telemetry/define-metrics.ts';

export const webhookMetrics = defineMetrics({
  /** outcomes: delivered, retried, failed, gone, put off */
  webhookDeliveries: counter('parley_webhook_deliveries_total', 'Attempts to tell a webhook what happened', [
    'outcome',
  ]),
});
