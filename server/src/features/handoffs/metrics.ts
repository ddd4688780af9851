import { counter, defineMetrics } from '../../platform/telemetry/define-metrics.ts';

export const handoffMetrics = defineMetrics({
  handoffs: counter('parley_handoffs_total', 'Conversations handed to people', ['reason']),
});
