/** A second reporter for `node --test`: writes the final counts and how long each file took as JSON. */

/** How a process ends that its runtime, not a test, has given up. */
const CRASHES = ['SIGTRAP', 'SIGILL', 'SIGSEGV', 'SIGABRT'];

/**
 * @param {AsyncIterable<{ type: string, data: { file?: string, nesting?: number, counts?: object,
 *   details?: { duration_ms?: number, error?: { signal?: string } } } }>} events
 */
export default async function* counts(events) {
  let crashed = false;
  /** @type {Record<string, number>} */
  const durations = {};
  for await (const { type, data } of events) {
    const signal = data.details?.error?.signal;
    if (type === 'test:fail' && signal && CRASHES.includes(signal)) crashed = true;
    if ((type === 'test:pass' || type === 'test:fail') && data.file && data.nesting === 0)
      durations[data.file] = (durations[data.file] ?? 0) + (data.details?.duration_ms ?? 0);
    // One summary per file, then one over all of them without a file.
    if (type === 'test:summary' && data.file === undefined)
      yield JSON.stringify({ ...data.counts, crashed, durations });
  }
}
