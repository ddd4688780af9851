import { collectDefaultMetrics, Registry } from 'prom-client';
import {
  counter,
  defineMetrics,
  gauge,
  histogram,
  MODEL_BUCKETS,
  REQUEST_BUCKETS,
  WORK_BUCKETS,
} from './define-metrics.ts';
import type { MetricDefinitions, MetricsOf } from './define-metrics.ts';

/** What /metrics shows. */
export type Metrics = ReturnType<typeof createMetrics>;

/** What the platform itself counts. `route` is the pattern, "/bots/:id". */
const platformMetrics = defineMetrics({
  httpRequests: counter('http_requests_total', 'HTTP requests answered', ['method', 'route', 'status_code']),
  httpRequestDuration: histogram(
    'http_request_duration_seconds',
    'Time to answer an HTTP request',
    ['method', 'route', 'status_code'],
    REQUEST_BUCKETS,
  ),

  outboundRequests: counter('parley_outbound_requests_total', 'Attempts of calls to other services', [
    'target',
    'outcome',
  ]),
  outboundDuration: histogram(
    'parley_outbound_duration_seconds',
    'Time of one attempt of a call to another service',
    ['target'],
    MODEL_BUCKETS,
  ),
  outboundRetries: counter('parley_outbound_retries_total', 'Attempts after a failed one', ['target']),
  breakerOpened: counter('parley_breaker_opened_total', 'Times a circuit breaker opened', ['target']),
  breakerState: gauge('parley_breaker_state', 'Circuit breaker: 0 closed, 1 half-open, 2 open', ['target']),

  partitions: gauge('parley_partitions', 'Months a table is kept in, with those ahead', ['table']),
  partitionDefaultRows: gauge('parley_partition_default_rows', 'Rows that belong to no month’s partition', ['table']),
  partitionsDropped: counter('parley_partitions_dropped_total', 'Months dropped by retention', []),

  /** A gauge in spite of its name, which dashboards know. */
  queueJobs: gauge('bull_queue_jobs_total', 'Jobs in each queue by status', ['queue', 'status']),
  jobWait: histogram('parley_job_wait_seconds', 'From when a job could run to its start', ['queue'], WORK_BUCKETS),
  jobDuration: histogram('parley_job_duration_seconds', 'One run of a job', ['queue', 'outcome'], MODEL_BUCKETS),

  databasePool: gauge('database_pool_active', 'Database connections in use', []),
  databasePoolSize: gauge('database_pool_max', 'Database connections this process may open', []),
  databasePoolWaiting: gauge('database_pool_waiting', 'Statements that wait for a database connection', []),

  poolTotal: gauge('db_pool_total', 'Database connections that are open', ['pool']),
  poolIdle: gauge('db_pool_idle', 'Database connections nobody uses', ['pool']),
  poolWaiting: gauge('db_pool_waiting', 'Who waits for a database connection', ['pool']),
  replicaUp: gauge('parley_replica_up', 'Whether a read replica can be used', ['replica']),
  replicaLag: gauge('parley_replica_lag_bytes', 'How far a read replica was behind when it was asked', ['replica']),
  heavyReads: counter('parley_heavy_reads_total', 'Lists, searches and reports', ['from']),

  pressureLevel: gauge('parley_pressure_level', 'Kinds of work refused: 0 none to 4 all', []),
  pressureSignal: gauge('parley_pressure_signal', 'What pressure is measured by', ['signal']),
  workRefused: counter('parley_work_refused_total', 'Requests and events refused under pressure', ['kind']),
  socketsCut: counter('parley_sockets_cut_total', 'Sockets cut because their client read too slowly', []),

  memoryLimit: gauge('parley_memory_limit_bytes', 'Memory this process may use', []),
  dependencyUp: gauge('parley_dependency_up', 'Whether a dependency answered its last probe', ['dependency']),
});

/**
 * One registry per app, so that two apps in one process (tests) do not share counts.
 *
 * @param options `declared`: what features count, shown from the start and not only once it is counted
 */
export const createMetrics = (options: { defaults?: boolean; declared?: readonly MetricDefinitions[] } = {}) => {
  const registry = new Registry();
  if (options.defaults ?? true) collectDefaultMetrics({ register: registry });
  const made = new Map<MetricDefinitions, Record<string, unknown>>();
  function of<Definitions extends MetricDefinitions>(definitions: Definitions): MetricsOf<Definitions> {
    let metrics = made.get(definitions);
    if (!metrics) {
      metrics = Object.fromEntries(Object.entries(definitions).map(([name, make]) => [name, make([registry])]));
      made.set(definitions, metrics);
    }
    // Each was made by the function under its name.
    return metrics as MetricsOf<Definitions>;
  }
  for (const definitions of options.declared ?? []) of(definitions);

  const looks: (() => void | Promise<void>)[] = [];
  let rendering: Promise<{ contentType: string; body: string }> | undefined;

  async function renderNow(): Promise<{ contentType: string; body: string }> {
    await Promise.all(looks.map(async (look) => look()));
    return { contentType: registry.contentType, body: await registry.metrics() };
  }

  return {
    registry,
    /** Those a feature declares. */
    of,
    /**
     * What is looked at when somebody asks, rather than counted when it happens. It must not throw, and bounds its own
     * time; callers that ask at once share one look.
     */
    beforeRender: (look: () => void | Promise<void>): void => void looks.push(look),
    /** The text of /metrics and its content type. */
    render: (): Promise<{ contentType: string; body: string }> =>
      (rendering ??= renderNow().finally(() => (rendering = undefined))),
    ...of(platformMetrics),
  };
};
