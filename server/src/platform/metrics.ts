import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What /metrics shows. Labels take few values each: never an id, an address or a path with ids in it. */
export type Metrics = ReturnType<typeof createMetrics>;

const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
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

  return {
    registry,
    /** The text of /metrics and its content type. */
    render: async (): Promise<{ contentType: string; body: string }> => ({
      contentType: registry.contentType,
      body: await registry.metrics(),
    }),

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
    deliveries: counter('parley_deliveries_total', 'Messages handed to a platform', ['channel', 'outcome']),
    handoffs: counter('parley_handoffs_total', 'Conversations handed to people', ['reason']),

    aiRequests: counter('parley_ai_requests_total', 'Calls to model providers', ['provider', 'outcome']),
    aiTokens: counter('parley_ai_tokens_total', 'Tokens counted by providers', ['provider', 'direction']),
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
    breakerState: gauge('parley_breaker_state', 'Circuit breaker: 0 closed, 1 half-open, 2 open', ['target']),

    /** A gauge in spite of its name, which dashboards know. */
    queueJobs: gauge('bull_queue_jobs_total', 'Jobs in each queue by status', ['queue', 'status']),
    socketConnections: gauge('websocket_connections_active', 'Open sockets', ['kind']),
    databasePool: gauge('database_pool_active', 'Database connections in use', []),
  };
};
    databasePoolSize: gauge('database_pool_max', 'Database connections this process may open', []),
    databasePoolWaiting: gauge('database_pool_waiting', 'Statements that wait for a database connection', []),

    pressureLevel: gauge('parley_pressure_level', 'Kinds of work refused: 0 none to 4 all', []),
    pressureSignal: gauge('parley_pressure_signal', 'What pressure is measured by', ['signal']),
    workRefused: counter('parley_work_refused_total', 'Requests and events refused under pressure', ['kind']),
    socketsCut: counter('parley_sockets_cut_total', 'Sockets cut because their client read too slowly', []),

    dependencyUp: gauge('parley_dependency_up', 'Whether a dependency answered its last probe', ['dependency']),
