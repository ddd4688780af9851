/** What can go wrong on the way out, and how to read it from the errors of various libraries. */

/** The other side answered, and the answer is a failure. `bodyText` is for deciding, never for the log. */
export class HttpStatusError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly bodyText: string;

  constructor(status: number, bodyText = '', retryAfterSeconds?: number) {
    super(`the service answered ${status}`);
    this.name = 'HttpStatusError';
    this.status = status;
    this.bodyText = bodyText;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class OutboundTimeoutError extends Error {
  readonly target: string;

  constructor(target: string, timeoutMs: number, cause?: unknown) {
    super(`${target} did not answer within ${timeoutMs} ms`, { cause });
    this.name = 'OutboundTimeoutError';
    this.target = target;
  }
}

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;

/** Seconds from a Retry-After header: a count or an HTTP date. Undefined when there is none or it is nonsense. */
export const readRetryAfter = (header: string | null | undefined, now = Date.now()): number | undefined => {
  if (!header?.trim()) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
};

/** The HTTP status an error stands for; model providers name it `statusCode`. */
export const statusOf = (error: unknown): number | undefined => {
  if (error instanceof HttpStatusError) return error.status;
  const status = property(error, 'statusCode');
  return error instanceof Error && typeof status === 'number' ? status : undefined;
};

export const retryAfterOf = (error: unknown): number | undefined => {
  if (error instanceof HttpStatusError) return error.retryAfterSeconds;
  const header = property(property(error, 'responseHeaders'), 'retry-after');
  return typeof header === 'string' ? readRetryAfter(header) : undefined;
};

const networkCode =
  /^(E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|(HOST|NET)(UNREACH|DOWN)|AI_AGAIN|NOTFOUND)|EAI_AGAIN|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|CLOSED|DESTROYED|RES_.*))$/;

/** True for failures below HTTP: no connection, connection lost, no name. Looks through wrappers ("fetch failed"). */
export const isNetworkError = (error: unknown, depth = 0): boolean => {
  const code = property(error, 'code');
  if (typeof code === 'string' && networkCode.test(code)) return true;
  if (depth >= 4) return false;
  const inner = error instanceof AggregateError ? error.errors[0] : property(error, 'cause');
  return inner !== undefined && isNetworkError(inner, depth + 1);
};
