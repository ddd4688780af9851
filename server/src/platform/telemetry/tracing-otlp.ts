import { createHash } from 'node:crypto';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from './log.ts';
import type { ActiveSpan, SpanOptions, TraceParent, Tracing } from './tracing.ts';

export type OtlpSettings = {
  /** Without the path of the traces. */
  endpoint: string;
  /** the share of traces that is recorded, 0 to 1 */
  ratio: number;
  /** `host` or `host:port` of those whose calls carry the trace */
  tell: string[];
};

const CLOSE_WITHIN_MS = 2_000;
const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
};

/** The id of the trace a request begins: that of the request itself where it has the form, so that one finds the other. */
const traceIdOf = (requestId: string): string => {
  const hex = requestId.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(hex) && /[^0]/.test(hex)) return hex;
  return createHash('sha256').update(requestId).digest('hex').slice(0, 32);
};

/** Says once that the collector is away, and once that it takes spans again. What it does not take is dropped. */
function told(exporter: SpanExporter, log: Logger): SpanExporter {
  let away = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = Number(result.code) !== 0;
        if (failed !== away) {
          if (failed)
            log.warn({ err: result.error }, 'traces cannot be sent: spans are dropped until the collector is back');
          else log.info('traces are sent again');
        }
        away = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush ? { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() } : {}),
  };
}

/** Traces to an OpenTelemetry collector over OTLP/HTTP. Loaded only where one is configured. */
export function createOtlpTracing(parts: OtlpSettings & { log: Logger; process: Record<string, string> }): Tracing {
  const { endpoint, ratio, tell, log } = parts;
  const random = new RandomIdGenerator();
  let nextTraceId: string | undefined;
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'parley', ...parts.process }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    idGenerator: {
      generateTraceId: () => nextTraceId ?? random.generateTraceId(),
      generateSpanId: () => random.generateSpanId(),
    },
    spanLimits: { attributeValueLengthLimit: 200 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: told(new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: 5_000 }), log),
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: 10_000,
        maxQueueSize: 8_192,
      }),
    ],
  });
  const tracer = provider.getTracer('parley');
  const hosts = new Set(tell);

  function start(parent: Context, name: string, { kind = 'internal', attributes, startedAt }: SpanOptions): ActiveSpan {
    const span = tracer.startSpan(
      name,
      { kind: kinds[kind], ...(attributes ? { attributes } : {}), ...(startedAt ? { startTime: startedAt } : {}) },
      parent,
    );
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      context: { traceId, spanId, flags: traceFlags.toString(16).padStart(2, '0') },
      set: (more) => void span.setAttributes(more),
      end(error) {
        if (error !== undefined) {
          const name = error instanceof Error ? error.name : 'error';
          span.setStatus({ code: SpanStatusCode.ERROR, message: name });
          span.setAttribute('error.type', name);
        }
        span.end();
      },
      child: (childName, options) => start(trace.setSpan(ROOT_CONTEXT, span), childName, options),
      mayTell: (host) => hosts.has(host),
    };
  }

  const remote = ({ traceId, spanId, flags }: TraceParent): Context =>
    trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true });

  return {
    begin({ parent, ...context }, name, options) {
      nextTraceId = traceIdOf(context.requestId);
      try {
        const attributes = { 'parley.request_id': context.requestId, ...options.attributes };
        return { ...context, span: start(parent ? remote(parent) : ROOT_CONTEXT, name, { ...options, attributes }) };
      } finally {
        nextTraceId = undefined;
      }
    },
    async close() {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
      const flushed = provider
        .shutdown()
        .catch((error: unknown) => log.debug({ err: error }, 'the last spans were not sent'));
      await Promise.race([flushed, late]);
      clearTimeout(timer);
    },
  };
}
