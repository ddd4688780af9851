import assert from 'node:assert/strict';
import { test } from 'node:test';
import { features } from '../../features/index.ts';
import { counter, defineMetrics } from './define-metrics.ts';
import { createMetrics } from './metrics.ts';

const declared = features.flatMap(({ metrics = [] }) => metrics);
const example = defineMetrics({ examples: counter('parley_examples_total', 'Examples', ['reason']) });

test('two apps in one process do not share counts', async () => {
  const [first, second] = [createMetrics(), createMetrics()];
  first.of(example).examples.inc({ reason: 'asked' });
  assert.equal(first.of(example), first.of(example));
  assert.match((await first.render()).body, /parley_examples_total\{reason="asked"\} 1/);
  assert.doesNotMatch((await second.render()).body, /parley_examples_total\{/);
});

test('the names dashboards and alerts rely on are there', async () => {
  const { contentType, body } = await createMetrics({ declared }).render();
  assert.match(contentType, /^text\/plain/);
  for (const name of [
    // what other products of this kind are watched by
    ...['http_requests_total', 'http_request_duration_seconds', 'ai_processing_duration_seconds'],
    ...['ai_classification_duration_seconds', 'bull_queue_jobs_total', 'websocket_connections_active'],
    ...['active_websocket_connections', 'database_pool_active', 'process_cpu_seconds_total'],
    // processing time and rate, conversations, handlers, outside services
    ...['parley_message_processing_duration_seconds', 'parley_inbound_events_total', 'parley_conversations_active'],
    ...['parley_handler_duration_seconds', 'parley_outbound_duration_seconds'],
    // the path of a message
    ...['parley_turns_total', 'parley_turn_duration_seconds', 'parley_turn_stage_duration_seconds'],
    ...['parley_deliveries_total', 'parley_delivery_duration_seconds', 'parley_handoffs_total'],
    ...['parley_ai_requests_total', 'parley_ai_tokens_total', 'parley_ai_cost_usd_total'],
    ...['parley_outbound_requests_total', 'parley_outbound_retries_total'],
    ...['parley_breaker_state', 'parley_breaker_opened_total', 'parley_socket_recoveries_total'],
    // what waits, and what the process rests on
    ...['parley_job_wait_seconds', 'parley_job_duration_seconds', 'parley_backlog', 'parley_backlog_oldest_seconds'],
    ...['database_pool_max', 'database_pool_waiting', 'parley_dependency_up', 'parley_memory_limit_bytes'],
    ...['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes'],
  ]) {
    assert.match(body, new RegExp(`^# TYPE ${name} `, 'm'), name);
  }
});

test('no metric has a label that takes many values', async () => {
  const allowed = new Set([
    ...['method', 'route', 'status_code', 'channel', 'outcome', 'stage', 'handler', 'reason', 'provider', 'model'],
    ...['direction', 'target', 'queue', 'status', 'kind', 'dependency', 'table', 'pool', 'replica', 'from', 'signal'],
  ]);
  for (const { name } of await createMetrics({ defaults: false, declared }).registry.getMetricsAsJSON()) {
    const metric = createMetrics({ defaults: false, declared }).registry.getSingleMetric(name);
    const labels: unknown = metric && Reflect.get(metric, 'labelNames');
    assert.ok(Array.isArray(labels), name);
    for (const label of labels) assert.ok(allowed.has(String(label)), `${name}: ${String(label)}`);
  }
});

test('what is looked at when asked is looked at once for all who ask at once', async () => {
  const metrics = createMetrics({ defaults: false });
  let looked = 0;
  metrics.beforeRender(async () => {
    looked += 1;
    await new Promise((resolve) => setImmediate(resolve));
    metrics.databasePool.set(looked);
  });
  const [first, second] = await Promise.all([metrics.render(), metrics.render()]);
  assert.equal(looked, 1);
  assert.match(first.body, /^database_pool_active 1$/m);
  assert.equal(first.body, second.body);
});
