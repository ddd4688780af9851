/** A second reporter for `node --test`: writes the final counts as JSON, for the totals at the end. */

/** @param {AsyncIterable<{ type: string, data: { file?: string, counts?: object } }>} events */
export default async function* counts(events) {
  for await (const { type, data } of events) {
    // One summary per file, then one over all of them without a file.
    if (type === 'test:summary' && data.file === undefined) yield JSON.stringify(data.counts);
  }
}
