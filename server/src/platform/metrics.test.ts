import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('two apps in one process do not share counts', async () => {
  const [first, second] = [createMetrics(), createMetrics()];
  first.handoffs.inc({ reason: 'asked' });
  assert.match((await first.render()).body, /parley_handoffs_total\{reason="asked"\} 1/);
  assert.doesNotMatch((await second.render()).body, /parley_handoffs_total\{/);
});

test('the names dashboards and alerts rely on are there', async () => {
  const { contentType, body } = await createMetrics().render();
  assert.match(contentType, /^text\/plain/);
  for (const name of [
    ...['http_requests_total', 'http_request_duration_seconds', 'ai_processing_duration_seconds'],
    ...['ai_classification_duration_seconds', 'bull_queue_jobs_total', 'websocket_connections_active'],
    ...['database_pool_active', 'parley_inbound_events_total', 'parley_turn_duration_seconds', 'parley_turns_total'],
    ...['parley_deliveries_total', 'parley_handoffs_total', 'parley_ai_requests_total', 'parley_ai_tokens_total'],
    ...['parley_outbound_requests_total', 'parley_breaker_state', 'process_cpu_seconds_total'],
  ]) {
    assert.match(body, new RegExp(`^# TYPE ${name} `, 'm'), name);
  }
});
