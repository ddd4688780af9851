import { currentContext, runWithContext } from './log.ts';
import type { RequestContext } from './log.ts';

/** Where a trace goes on, in the terms of W3C Trace Context. `flags` is two hex digits; "01": it is recorded. */
export type TraceParent = { traceId: string; spanId: string; flags: string };

export type Attributes = Record<string, string | number | boolean>;
export type SpanOptions = {
  kind?: 'internal' | 'server' | 'client' | 'consumer';
  attributes?: Attributes;
  /** milliseconds since 1970 (default: now) */
  startedAt?: number;
};

/** A span that has begun. Attributes hold names, counts and ids: never what a person wrote, an address or a secret. */
export type ActiveSpan = {
  context: TraceParent;
  set(attributes: Attributes): void;
  /** `error` marks it as failed, by the name of the error alone. */
  end(error?: unknown): void;
  child(name: string, options: SpanOptions): ActiveSpan;
  /** Whether calls to this host may carry the trace. */
  mayTell(host: string): boolean;
};

/** What begins traces. Everything below a beginning finds its span in the context of the request (`inSpan`). */
export type Tracing = {
  /** `context` with a span in it, which the caller ends. Without tracing: the context as it is. */
  begin(context: RequestContext, name: string, options: SpanOptions): RequestContext;
  /** What is recorded so far is sent, within two seconds. */
  close(): Promise<void>;
};

export const noTracing: Tracing = { begin: (context) => context, close: async () => undefined };

const PARENT = /^([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const HEADER = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const isReal = (id: string): boolean => /[^0]/.test(id);

function parse(pattern: RegExp, text: string | undefined): TraceParent | undefined {
  const [, traceId, spanId, flags] = pattern.exec(text ?? '') ?? [];
  return traceId && spanId && flags && isReal(traceId) && isReal(spanId) ? { traceId, spanId, flags } : undefined;
}

/** The header `traceparent` of a request; undefined when there is none or it is nonsense. */
export const readTraceParent = (header: unknown): TraceParent | undefined =>
  typeof header === 'string' ? parse(HEADER, header.trim()) : undefined;

/**
 * What stored work (an event, a delivery, a fact, a job) keeps of the request that caused it: the request's id and, when
 * there is a trace, where it goes on. An id never has a slash, so one column holds both, and a process that traces
 * nothing hands on what it was given.
 */
export function carried(): string | undefined {
  const context = currentContext();
  if (!context) return undefined;
  const parent = context.span?.context ?? context.parent;
  return parent ? `${context.requestId}/${parent.traceId}-${parent.spanId}-${parent.flags}` : context.requestId;
}

/** The other way round. */
export function readCarried(text: string): RequestContext {
  const [requestId = text, parent] = text.split('/', 2);
  const found = parse(PARENT, parent);
  return { requestId, ...(found ? { parent: found } : {}) };
}

function ended<T>(span: ActiveSpan, run: () => T): T {
  let result: T;
  try {
    result = run();
  } catch (error) {
    span.end(error);
    throw error;
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  result.then(
    () => span.end(),
    (error: unknown) => span.end(error),
  );
  return result;
}

/** Runs `work` in a span of its own below the present one. Where nothing is traced this is a plain call. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span?: ActiveSpan) => T): T {
  const context = currentContext();
  if (!context?.span) return work();
  const span = context.span.child(name, options);
  return ended(span, () => runWithContext({ ...context, span }, () => work(span)));
}

/** Runs work that something stored or somebody outside has caused, under its ids, in a span of its own. */
export function enter<T>(
  tracing: Tracing,
  context: RequestContext,
  name: string,
  options: SpanOptions,
  work: (span?: ActiveSpan) => T,
): T {
  const begun = tracing.begin(context, name, options);
  const { span } = begun;
  if (!span) return runWithContext(begun, work);
  return ended(span, () => runWithContext(begun, () => work(span)));
}

/** A part of the present span that is over already. */
export function noteSpan(name: string, startedAt: number, attributes: Attributes = {}): void {
  currentContext()?.span?.child(name, { startedAt, attributes }).end();
}

/** The headers a call to this address carries: the trace where the operator wants it told, and nothing otherwise. */
export function traceHeaders(url: string): Record<string, string> {
  const span = currentContext()?.span;
  if (!span || !URL.canParse(url) || !span.mayTell(new URL(url).host)) return {};
  const { traceId, spanId, flags } = span.context;
  return { traceparent: `00-${traceId}-${spanId}-${flags}` };
}
