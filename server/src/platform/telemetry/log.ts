import { AsyncLocalStorage } from 'node:async_hooks';
import { pino } from 'pino';
import type { ChildLoggerOptions, DestinationStream, Logger as PinoLogger } from 'pino';
import type { ActiveSpan, TraceParent } from './tracing.ts';
import { describeError, redact, redactRecord, redactString, safeErrorMessage } from './redact.ts';

/** JSON lines, one per event. Secrets and the words of customers never reach it (see redact.ts). */
export type Logger = PinoLogger;

export type RequestContext = {
  requestId: string;
  workspaceId?: string;
  /** The span that runs now, where traces are recorded. */
  span?: ActiveSpan;
  /** Where a trace of another process goes on, until a span begins here. */
  parent?: TraceParent;
};

/** One request id follows the work through every hop: HTTP, job, outbound call. */
export const requestContext = new AsyncLocalStorage<RequestContext>();

/** Runs `work` so that everything it logs, also after awaits, carries the ids of `context`. */
export const runWithContext = <T>(context: RequestContext, work: () => T): T => requestContext.run(context, work);

export const currentContext = (): RequestContext | undefined => requestContext.getStore();

/** The ids as every line of the log shows them. */
const shownContext = (): Record<string, string> => {
  const context = requestContext.getStore();
  if (!context) return {};
  const { requestId, workspaceId, span } = context;
  return { requestId, ...(workspaceId ? { workspaceId } : {}), ...(span ? { traceId: span.context.traceId } : {}) };
};

/** The id of the request being worked on, undefined outside of one. */
export const currentRequestId = (): string | undefined => requestContext.getStore()?.requestId;

const read = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** A request as the log shows it: the query string is left out, since links carry secrets there. */
const describeRequest = (request: unknown): Record<string, unknown> => {
  const url = read(request, 'url');
  return {
    method: read(request, 'method'),
    path: typeof url === 'string' ? redactString(url.split('?')[0] ?? '') : undefined,
    remoteAddress: read(request, 'ip'),
  };
};

const describeResponse = (response: unknown): Record<string, unknown> => ({
  statusCode: read(response, 'statusCode'),
});

const serializers = {
  err: (value: unknown) => (value instanceof Error ? describeError(value) : redact(value)),
  error: (value: unknown) => (value instanceof Error ? describeError(value) : redact(value)),
  req: describeRequest,
  res: describeResponse,
};

const serialized: ReadonlySet<string> = new Set(Object.keys(serializers));

/**
 * Makes the logger. `level` is one of pino's levels or "silent"; `destination` takes the lines (default: stdout).
 * Log objects first: `log.warn({ err, conversationId }, 'delivery failed')`.
 */
export const createLogger = (options: { level: string }, destination?: DestinationStream): Logger => {
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers,
      mixin: shownContext,
      formatters: {
        level: (label) => ({ level: label }),
        log: (record) => redactRecord(record, serialized),
      },
      hooks: {
        // Without a message pino takes the error's own, unredacted: hand it the safe one instead.
        logMethod(args, method) {
          const [first, second] = args as unknown[];
          if (first instanceof Error && typeof second !== 'string') {
            method.apply(this, [{ err: first }, safeErrorMessage(first)]);
            return;
          }
          const error = read(first, 'err');
          if (error instanceof Error && typeof second !== 'string') {
            method.apply(this, [first, safeErrorMessage(error)]);
            return;
          }
          method.apply(this, args);
        },
        streamWrite: redactString,
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
  // The library shows the bindings of children as they are: they are cleaned on the way in. Children inherit this.
  const { child, setBindings } = log;
  Object.defineProperty(log, 'child', {
    value(this: Logger, bindings: object, options?: ChildLoggerOptions): unknown {
      return Reflect.apply(child, this, [redactRecord(bindings, serialized), options]);
    },
  });
  Object.defineProperty(log, 'setBindings', {
    value(this: Logger, bindings: object) {
      setBindings.call(this, redactRecord(bindings, serialized));
    },
  });
  return log;
};
