import { counter, defineMetrics, gauge, histogram, MODEL_BUCKETS } from '../platform/telemetry/define-metrics.ts';

export const turnMetrics = defineMetrics({
  inboundEvents: counter('parley_inbound_events_total', 'Messages and events received from channels', [
    'channel',
    'outcome',
  ]),
  turns: counter('parley_turns_total', 'Bot turns finished', ['outcome']),
  turnDuration: histogram(
    'parley_turn_duration_seconds',
    'From the start of a turn to its last paragraph',
    ['outcome'],
    MODEL_BUCKETS,
  ),
  handlerDuration: histogram(
    'parley_handler_duration_seconds',
    'A bot turn by what handled it',
    ['handler'],
    MODEL_BUCKETS,
  ),
  messageDuration: histogram(
    'parley_message_processing_duration_seconds',
    'From a message stored to the end of its turn',
    ['outcome'],
    MODEL_BUCKETS,
  ),
  deliveryDuration: histogram(
    'parley_delivery_duration_seconds',
    'From a paragraph stored to its acceptance by the platform',
    ['channel'],
    MODEL_BUCKETS,
  ),
  deliveries: counter('parley_deliveries_total', 'Messages handed to a platform', ['channel', 'outcome']),
  backlog: gauge('parley_backlog', 'What waits in the tables', ['kind']),
  backlogAge: gauge('parley_backlog_oldest_seconds', 'How long the oldest of it has waited', ['kind']),
  conversationsOpen: gauge('parley_conversations_active', 'Conversations that are not resolved', ['status']),
});
