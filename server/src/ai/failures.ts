import { APICallError, InvalidResponseDataError, JSONParseError, TypeValidationError } from 'ai';
import { AppError } from '../platform/errors.ts';
import {
  HttpStatusError,
  isNetworkError,
  OutboundTimeoutError,
  retryAfterOf,
  statusOf,
} from '../platform/outbound/errors.ts';

/**
 * rate_limited: 429. server: 5xx, no connection, or the breaker is open. timeout: silence. invalid: a reply that is not
 * what was asked for. cut_off: the stream ended early. empty: it says it
 * can answer, and writes nothing. rejected: 4xx, the key or the model's name is wrong; asking again
 * changes nothing.
 */
export type FailureKind = 'rate_limited' | 'server' | 'timeout' | 'invalid' | 'cut_off' | 'empty' | 'rejected';

/** A model that did not answer. `statusCode` is what the breaker judges by. */
export class ModelFailure extends Error {
  readonly kind: FailureKind;
  readonly retryAfterSeconds: number | undefined;
  readonly statusCode: number | undefined;
  /** false: paragraphs went out already (in this call or before), and a new try must continue, not start over */
  beforeFirstParagraph = true;

  constructor(
    kind: FailureKind,
    message: string,
    options: { retryAfterSeconds?: number; statusCode?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ModelFailure';
    this.kind = kind;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.statusCode = options.statusCode;
  }
}

const isUnreadable = (error: unknown): boolean =>
  JSONParseError.isInstance(error) ||
  TypeValidationError.isInstance(error) ||
  InvalidResponseDataError.isInstance(error);

/** Whatever a provider, the SDK or the breaker throws → a typed failure. Messages hold nothing of the prompt or the key. */
export const toModelFailure = (error: unknown, receivedText: boolean): ModelFailure => {
  if (error instanceof ModelFailure) return error;
  if (error instanceof OutboundTimeoutError) {
    return new ModelFailure('timeout', 'The model took too long.', { statusCode: 504, cause: error });
  }
  if (error instanceof AppError) {
    const wait = error.retryAfter === undefined ? {} : { retryAfterSeconds: error.retryAfter };
    return new ModelFailure('server', 'The model provider is not reachable at present.', {
      ...wait,
      statusCode: error.status,
      cause: error,
    });
  }
  const status = statusOf(error);
  const retryAfterSeconds = retryAfterOf(error);
  const options = {
    cause: error,
    ...(status === undefined ? {} : { statusCode: status }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  if (status === 429) return new ModelFailure('rate_limited', 'The model provider limits our requests.', options);
  if (status !== undefined && status >= 400 && status < 500 && status !== 408) {
    return new ModelFailure('rejected', `The model provider refused the request (${status}).`, options);
  }
  if (receivedText && (status === undefined || status < 400)) {
    return new ModelFailure('cut_off', 'The model stream broke off.', { statusCode: 502, cause: error });
  }
  // A 200 whose body is no event stream or no JSON.
  if (isUnreadable(error) || (status !== undefined && status < 400 && !isNetworkError(error))) {
    return new ModelFailure('invalid', 'The model provider sent an unreadable answer.', { cause: error });
  }
  return new ModelFailure('server', 'The model provider failed.', {
    ...options,
    statusCode: status !== undefined && status >= 500 ? status : 502,
  });
};

/** A server that knows no structured output says so with a 400 that names it. */
export const refusesStructuredOutput = (failure: ModelFailure): boolean => {
  const { cause } = failure;
  const body = APICallError.isInstance(cause)
    ? (cause.responseBody ?? '')
    : cause instanceof HttpStatusError
      ? cause.bodyText
      : '';
  return (
    failure.kind === 'rejected' &&
    (failure.statusCode === 400 || failure.statusCode === 422) &&
    /response_?format|json_?schema|structured|guided/i.test(body)
  );
};
