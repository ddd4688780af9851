import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What /metrics shows. Labels take few values each: never an id, an address or a path with ids in it. */
export type Metrics = ReturnType<typeof createMetrics>;

const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const WORK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const MODEL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60];

/** One registry per app, so that two apps in one process (tests) do not share counts. `route` is the pattern, "/bots/:id". */
export const createMetrics = (options: { defaults?: boolean } = {}) => {
  const registry = new Registry();
  if (options.defaults ?? true) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  const looks: (() => void | Promise<void>)[] = [];
  let rendering: Promise<{ contentType: string; body: string }> | undefined;

  async function renderNow(): Promise<{ contentType: string; body: string }> {
    await Promise.all(looks.map(async (look) => look()));
    return { contentType: registry.contentType, body: await registry.metrics() };
  }

  return {
    registry,
    /**
     * What is looked at when somebody asks, rather than counted when it happens. It must not throw, and bounds its own
     * time; callers that ask at once share one look.
     */
    beforeRender: (look: () => void | Promise<void>): void => void looks.push(look),
    /** The text of /metrics and its content type. */
    render: (): Promise<{ contentType: string; body: string }> =>
      (rendering ??= renderNow().finally(() => (rendering = undefined))),

    httpRequests: counter('http_requests_total', 'HTTP requests answered', ['method', 'route', 'status_code']),
    httpRequestDuration: histogram(
      'http_request_duration_seconds',
      'Time to answer an HTTP request',
      ['method', 'route', 'status_code'],
      REQUEST_BUCKETS,
    ),

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
    /** stages: wait, store, terms, retrieve, model, paragraph, finish */
    turnStages: histogram('parley_turn_stage_duration_seconds', 'Parts of a bot turn', ['stage'], WORK_BUCKETS),
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
    /** outcomes: delivered, retried, failed, gone, put off */
    webhookDeliveries: counter('parley_webhook_deliveries_total', 'Attempts to tell a webhook what happened', [
      'outcome',
    ]),
    handoffs: counter('parley_handoffs_total', 'Conversations handed to people', ['reason']),

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
    backlog: gauge('parley_backlog', 'What waits in the tables', ['kind']),
    backlogAge: gauge('parley_backlog_oldest_seconds', 'How long the oldest of it has waited', ['kind']),
    conversationsOpen: gauge('parley_conversations_active', 'Conversations that are not resolved', ['status']),

    socketConnections: gauge('websocket_connections_active', 'Open sockets', ['kind']),
    /** The sum of the same, under the name other dashboards know. */
    socketsOpen: gauge('active_websocket_connections', 'Open sockets of all kinds', []),
    socketRecoveries: counter('parley_socket_recoveries_total', 'Connections that came back with their state', [
      'outcome',
    ]),
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
  };
};
