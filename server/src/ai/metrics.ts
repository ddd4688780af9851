import { counter, defineMetrics, histogram, MODEL_BUCKETS } from '../platform/telemetry/define-metrics.ts';

export const aiMetrics = defineMetrics({
  aiRequests: counter('parley_ai_requests_total', 'Calls to model providers', ['provider', 'outcome']),
  aiTokens: counter('parley_ai_tokens_total', 'Tokens counted by providers', ['provider', 'direction']),
  aiCost: counter('parley_ai_cost_usd_total', 'Price of those tokens, for models with a known price', [
    'provider',
    'model',
  ]),
  aiProcessingDuration: histogram(
    'ai_processing_duration_seconds',
    'Retrieval and answer of one question',
    ['provider'],
    MODEL_BUCKETS,
  ),
  aiClassificationDuration: histogram(
    'ai_classification_duration_seconds',
    'Classification of one message',
    [],
    MODEL_BUCKETS,
  ),
});
