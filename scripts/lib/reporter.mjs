/** A second reporter for `node --test`: writes the final counts as JSON, for the totals at the end. */

/** How a process ends that its runtime, not a test, has given up. */
const CRASHES = ['SIGTRAP', 'SIGILL', 'SIGSEGV', 'SIGABRT'];

/** @param {AsyncIterable<{ type: string, data: { file?: string, counts?: object, details?: { error?: { signal?: string } } } }>} events */
export default async function* counts(events) {
  /** @type {string[]} */
  const crashed = [];
  for await (const { type, data } of events) {
    const signal = data.details?.error?.signal;
    if (type === 'test:fail' && data.file && signal && CRASHES.includes(signal)) crashed.push(data.file);
    // One summary per file, then one over all of them without a file.
    if (type === 'test:summary' && data.file === undefined) yield JSON.stringify({ ...data.counts, crashed });
  }
}
