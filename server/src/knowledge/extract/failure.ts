import { AppError } from '../../platform/errors.ts';

/** The file cannot become text. The message is shown to the person who uploaded it, so it says what to do. */
export const extractionFailed = (message: string, cause?: unknown): AppError =>
  new AppError('bad_request', 422, message, cause === undefined ? {} : { cause });
