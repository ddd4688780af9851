import type { FieldError } from '@parley/contract';
import { fieldWords } from './fieldWords.ts';

/** A refusal or failure of the server, or no answer at all (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: FieldError[];
  readonly requestId: string | null;

  constructor(
    status: number,
    code: string,
    message: string,
    details: FieldError[] = [],
    requestId: string | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

export type ProblemKind = 'offline' | 'forbidden' | 'missing' | 'conflict' | 'busy' | 'input' | 'failed';
export type Problem = { kind: ProblemKind; message: string | null; requestId: string | null };

/** What a screen says about an error: the kind chooses the words, the server's message is shown where it helps the reader. */
export function describeProblem(error: unknown): Problem {
  if (!(error instanceof ApiError)) return { kind: 'failed', message: null, requestId: null };
  const { status, message, requestId } = error;
  if (status === 0) return { kind: 'offline', message: null, requestId };
  if (status === 403) return { kind: 'forbidden', message: null, requestId };
  if (status === 404) return { kind: 'missing', message: null, requestId };
  if (status === 409) return { kind: 'conflict', message, requestId };
  if (status === 429) return { kind: 'busy', message: null, requestId };
  // Only the server knows who is away: a platform, a model, or itself.
  if (status === 503) return { kind: 'busy', message: message || null, requestId };
  if (status === 400 || status === 413 || status === 415 || status === 422)
    return { kind: 'input', message, requestId };
  return { kind: 'failed', message: null, requestId };
}

export const statusOf = (error: unknown): number | null => (error instanceof ApiError ? error.status : null);

/** The message for one form field, by the name the server uses for it; an entry of its list counts as the field. */
export function fieldError(error: unknown, field: string): string | null {
  if (!(error instanceof ApiError)) return null;
  const detail = error.details.find(({ field: path }) => `.${path.replace(/\.\d+$/, '')}`.endsWith(`.${field}`));
  return detail ? fieldWords(detail.message) : null;
}
