/**
 * The few errors the product knows, and the one translator that turns anything thrown into an answer.
 * Code throws these; only the edge (HTTP, socket, job runner) calls toProblem.
 */

import { MAX_DETAILS, MAX_DETAILS_BYTES } from '@parley/contract';
import { isConnectionLoss } from './telemetry/outage.ts';
import { limitOf } from './data/statement-limits.ts';

export type ErrorCode =
  | 'bad_request'
  | 'json_too_complex'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'route_not_found'
  | 'conflict'
  /** 409: a colleague has it; `details` names them */
  | 'already_taken'
  /** 409: nothing arrives or leaves there any more */
  | 'inbox_deleted'
  /** 409: the platform takes only templates now */
  | 'window_closed'
  | 'payload_too_large'
  | 'limit_reached'
  | 'too_many_requests'
  | 'proof_needed'
  | 'unavailable'
  | 'internal_error';

/** One wrong field. `field` is a dotted path into the input ("items.0.name"), empty for the whole input. */
export type FieldProblem = { field: string; message: string };

type AppErrorOptions = {
  details?: FieldProblem[];
  /** Seconds until trying again makes sense. */
  retryAfter?: number;
  /** True when an operator should hear of it. */
  reportable?: boolean;
  cause?: unknown;
};

/** An error whose message is safe to show to whoever caused it. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: FieldProblem[] | undefined;
  readonly retryAfter: number | undefined;
  readonly reportable: boolean;

  constructor(code: ErrorCode, status: number, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = status;
    this.details = options.details;
    this.retryAfter = options.retryAfter;
    this.reportable = options.reportable ?? false;
  }
}

export const badRequest = (message: string, details?: FieldProblem[]): AppError =>
  new AppError('bad_request', 400, message, details ? { details } : {});

/** JSON with more levels or more keys than anything here has. */
export const tooComplex = (message: string): AppError => new AppError('json_too_complex', 400, message);

/** For a `cursor` that is not one the list gave. */
export const badCursor = (): AppError =>
  badRequest('The cursor is not valid.', [{ field: 'cursor', message: 'is not one this list gave' }]);

export const unauthorized = (message = 'Sign in to do this.'): AppError => new AppError('unauthorized', 401, message);

export const forbidden = (message = 'You are not allowed to do this.'): AppError =>
  new AppError('forbidden', 403, message);

/** Also the answer for things of another workspace: an outsider cannot tell the two apart. */
export const notFound = (what = 'This'): AppError => new AppError('not_found', 404, `${what} was not found.`);

/** No route has the address, or none with this method. */
export const routeNotFound = (): AppError => new AppError('route_not_found', 404, 'There is nothing at this address.');

export const conflict = (message: string): AppError => new AppError('conflict', 409, message);

export const tooLarge = (message = 'The input is too large.'): AppError =>
  new AppError('payload_too_large', 413, message);

/** There may be so many and no more: an answer to whoever makes things, and nothing that passes with time. */
export const limitReached = (message: string): AppError => new AppError('limit_reached', 409, message);

export const tooMany = (retryAfterSeconds: number): AppError =>
  new AppError('too_many_requests', 429, 'Too many requests. Try again later.', {
    retryAfter: Math.max(1, Math.ceil(retryAfterSeconds)),
  });

/** A dependency is down or its breaker is open; `cause` is for the log alone. */
export const unavailable = (message: string, retryAfter?: number, cause?: unknown): AppError =>
  new AppError('unavailable', 503, message, {
    reportable: true,
    ...(retryAfter === undefined ? {} : { retryAfter: Math.max(1, Math.ceil(retryAfter)) }),
    ...(cause === undefined ? {} : { cause }),
  });

/** There is no room for this now. Expected under load, so nobody is told of each one. */
export const overloaded = (retryAfterSeconds: number): AppError =>
  new AppError('unavailable', 503, 'Parley is very busy. Try again in a moment.', { retryAfter: retryAfterSeconds });

export type Problem = {
  status: number;
  body: { success: false; error: { code: ErrorCode; message: string; details?: FieldProblem[] } };
  retryAfter?: number;
  reportable: boolean;
};

const FIELD_LENGTH = 80;
const DETAIL_LENGTH = 200;
const MESSAGE_LENGTH = 300;

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;

/** Names of fields and some messages are what was sent: an answer may quote it, and never be larger than it. */
const bounded = (details: FieldProblem[]): FieldProblem[] => {
  let bytes = 0;
  return details
    .slice(0, MAX_DETAILS)
    .map(({ field, message }) => ({ field: cut(field, FIELD_LENGTH), message: cut(message, DETAIL_LENGTH) }))
    .filter((detail) => (bytes += Buffer.byteLength(JSON.stringify(detail)) + 1) <= MAX_DETAILS_BYTES);
};

const problem = (error: AppError): Problem => ({
  status: error.status,
  body: {
    success: false,
    error: {
      code: error.code,
      message: cut(error.message, MESSAGE_LENGTH),
      ...(error.details ? { details: bounded(error.details) } : {}),
    },
  },
  ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
  reportable: error.reportable,
});

const internal = (): AppError =>
  new AppError('internal_error', 500, 'Something went wrong on our side.', { reportable: true });

const property = (value: object, name: string): unknown => (name in value ? Reflect.get(value, name) : undefined);

/** Paths arrive as JSON pointers ("/items/0/name"); the envelope speaks in dots. */
const pointerToField = (pointer: unknown): string =>
  typeof pointer === 'string' ? pointer.replace(/^\//, '').replaceAll('/', '.') : '';

const fieldProblems = (validation: unknown[]): FieldProblem[] =>
  validation
    .slice(0, MAX_DETAILS)
    .filter((issue) => typeof issue === 'object' && issue !== null)
    .map((issue) => {
      const message = property(issue, 'message');
      return {
        field: pointerToField(property(issue, 'instancePath')),
        message: typeof message === 'string' ? message : 'is not valid',
      };
    });

/**
 * The HTTP framework throws its own errors for what never reached a route: broken JSON, a body over the limit,
 * a failed schema. They carry `statusCode` (and `validation`); their messages are replaced, since they may quote input.
 */
const fromFramework = (error: object): AppError | undefined => {
  const validation = property(error, 'validation');
  if (Array.isArray(validation)) return badRequest('The input is not valid.', fieldProblems(validation));
  const status = property(error, 'statusCode');
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (status === 401) return unauthorized();
  if (status === 403) return forbidden();
  if (status === 404) return notFound();
  if (status === 409) return conflict('This conflicts with the present state.');
  if (status === 413) return tooLarge();
  if (status === 429) return tooMany(1);
  return badRequest(status === 415 ? 'This content type is not accepted.' : 'The request could not be read.');
};

const AWAY_SECONDS = 5;

/** PostgreSQL error codes a caller can cause; drivers and query builders nest the original as `cause`. */
const fromDatabase = (error: object, depth = 0): AppError | undefined => {
  if (property(error, 'code') === '23505') return conflict('Something with these values exists already.');
  const cause = property(error, 'cause');
  return depth < 3 && typeof cause === 'object' && cause !== null ? fromDatabase(cause, depth + 1) : undefined;
};

/** What is too much for the database. Somebody should hear of it: our own limits are to be met first. */
const fromLimit = (error: object): AppError | undefined => {
  const limit = limitOf(error);
  if (limit === 'too big')
    return new AppError('payload_too_large', 413, 'The input is too large.', { reportable: true });
  return limit && unavailable('This took too long and was stopped. Ask for less.', AWAY_SECONDS);
};

/** The database or Redis is away. One line says so for everybody (outage.ts), so nobody is told of each who noticed. */
const fromOutage = (error: object): AppError | undefined =>
  isConnectionLoss(error)
    ? new AppError('unavailable', 503, 'Something this needs is away at present. Try again in a moment.', {
        retryAfter: AWAY_SECONDS,
      })
    : undefined;

/** Turns anything thrown into status and envelope. What is not known becomes a 500 that tells nothing. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof AppError) return problem(error);
  if (typeof error !== 'object' || error === null) return problem(internal());
  return problem(fromFramework(error) ?? fromDatabase(error) ?? fromLimit(error) ?? fromOutage(error) ?? internal());
};
