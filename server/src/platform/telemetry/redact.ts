/** What keeps secrets and the words of customers out of the log, whatever a caller passes. */

const HIDDEN = '[hidden]';
const MAX_DEPTH = 6;
const MAX_ENTRIES = 50;
const MAX_STRING = 2_000;

/** Names that carry a secret wherever they appear within the key ("botToken", "x-hub-signature-256"). */
const secretName =
  /authorization|cookie|passw|token|secret|credential|api[-_]?key|access[-_]?key|private[-_]?key|signature|jwt|connection[-_]?string|params$/i;

/** Names that carry what a person wrote or a model answered. */
const textNames = new Set([
  ...['text', 'body', 'rawbody', 'bodytext', 'content', 'html', 'markdown', 'message', 'messages', 'quote', 'snippet'],
  ...['prompt', 'systemprompt', 'question', 'answer', 'reply', 'draft', 'transcript', 'subject', 'payload', 'caption'],
  ...['history', 'completion', 'query'],
]);

/** Secrets that travel inside other strings: headers quoted in messages, tokens in addresses. */
const secretPatterns: [RegExp, string][] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, HIDDEN],
  [/\bbot\d{5,}:[\w-]{10,}/g, `bot${HIDDEN}`],
  [/\b\d{6,}:[A-Za-z0-9_-]{30,}/g, HIDDEN],
  [/\b(?:sk|xox[abprs]|xapp|whsec|EAA|SG|ghp|AIza)[-_.]?[\w.-]{16,}/g, HIDDEN],
  [/([?&](?:[\w-]*token|key|secret|code|signature|password|api_key)=)[^&\s"\\]+/gi, `$1${HIDDEN}`],
  [/(\/(?:webhooks\/[\w-]+|chat|invite|reset|setup)\/)[\w.~-]{8,}/g, `$1${HIDDEN}`],
  [/\b([a-z][a-z\d+.-]{0,30}:\/\/[^\s:/@"]{0,300}):[^\s@/"]{1,1000}@/gi, `$1:${HIDDEN}@`],
];

/** Hides secrets inside running text. Never adds or removes a quote, so a line of JSON stays JSON. */
export const redactString = (text: string): string =>
  secretPatterns.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), text);

const hides = (key: string, value: unknown): boolean => {
  // Counts and flags ("inputTokens": 12, "passwordSet": true) tell nothing and are wanted.
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return false;
  return secretName.test(key) || textNames.has(key.toLowerCase());
};

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const shorten = (text: string): string => (text.length > MAX_STRING ? `${text.slice(0, MAX_STRING)}…` : text);

const stringOrNumber = (value: unknown): string | number | undefined =>
  typeof value === 'string' || typeof value === 'number' ? value : undefined;

/** Query builders put the values of a failed statement, hence what customers wrote, into the message: they are cut. */
const errorMessage = (error: Error): string => {
  if ('query' in error && 'params' in error) return `Failed query: ${String(error.query)}`;
  return error.message;
};

/** The message of an error fit for the log. */
export const safeErrorMessage = (error: Error): string => redactString(shorten(errorMessage(error)));

/**
 * An error as the log shows it: type, message, stack, code, status and causes. Nothing else an error may carry
 * (request, response body, row values) is copied.
 */
export const describeError = (error: Error, depth = 0): Record<string, unknown> => {
  const message = shorten(errorMessage(error));
  const stack = (error.stack ?? '').split(error.message || '\u0000').join(message);
  const { cause } = error;
  const described: Record<string, unknown> = { type: error.name, message, stack: shorten(stack) };
  for (const name of ['code', 'status', 'statusCode', 'constraint', 'table', 'column', 'target']) {
    const value = stringOrNumber(Reflect.get(error, name));
    if (value !== undefined) described[name] = value;
  }
  if (depth < 3 && cause instanceof Error) described.cause = describeError(cause, depth + 1);
  if (depth < 3 && error instanceof AggregateError) {
    described.errors = error.errors
      .slice(0, 5)
      .map((inner: unknown) => (inner instanceof Error ? describeError(inner, depth + 1) : typeof inner));
  }
  return described;
};

/** A copy of anything that is safe and small enough to log. Objects of a class are named, not opened. */
export const redact = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return shorten(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '[function]' : value;
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof URL) return value.href;
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item: unknown) => redact(item, depth + 1));
  if (!isPlain(value)) return `[${value.constructor.name}]`;
  return redactEntries(value, depth);
};

const redactEntries = (value: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ENTRIES)
      .map(([key, item]: [string, unknown]) => [key, hides(key, item) ? HIDDEN : redact(item, depth + 1)]),
  );

/** The same for the top level of a log record; `keep` names keys that have a serializer of their own. */
export const redactRecord = (record: object, keep: ReadonlySet<string>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record).map(([key, item]: [string, unknown]) => {
      if (keep.has(key) && typeof item === 'object') return [key, item];
      return [key, hides(key, item) ? HIDDEN : redact(item, 1)];
    }),
  );
