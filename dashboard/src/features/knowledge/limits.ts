import type * as contract from '@parley/contract';

/** The contract's limit, written again so that its schemas stay out of the bundle; the type holds the two together. */
export const MAX_UPLOAD_BYTES: typeof contract.MAX_UPLOAD_BYTES = 10 * 1024 * 1024;
