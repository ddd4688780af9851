/**
 * One source read in a thread of its own: parsers have inputs that cost them minutes, and nobody else may wait for that.
 * Gets the content as `workerData`; answers `progress` (0 to 1) as it goes, and at last `prepared`, `failed` (words for
 * people) or `error`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../platform/errors.ts';
import { prepare } from './prepare.ts';
import type { Prepared, SourceContent } from './prepare.ts';

export type Answer = { progress: number } | { prepared: Prepared } | { failed: string } | { error: string };

if (!parentPort) throw new Error('prepare-worker.ts runs as a worker thread only');
const port = parentPort;
const answer = (message: Answer): void => port.postMessage(message);

/** Bytes arrive as a plain array of them. */
const revive = (content: SourceContent): SourceContent =>
  'file' in content && 'content' in content.file
    ? { ...content, file: { ...content.file, content: Buffer.from(content.file.content) } }
    : content;

try {
  // The thread is ended when nobody waits for it, so there is nothing to abort.
  const reading = { signal: new AbortController().signal, progress: (share: number) => answer({ progress: share }) };
  answer({ prepared: await prepare(revive(workerData as SourceContent), reading) });
} catch (error) {
  if (error instanceof AppError) answer({ failed: error.message });
  // The stack of a parser: the same text would do it again.
  else if (error instanceof RangeError)
    answer({ failed: 'This text cannot be taken apart. Split it, or simplify its formatting.' });
  else answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
