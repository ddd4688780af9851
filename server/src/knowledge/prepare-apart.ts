import { Worker } from 'node:worker_threads';
import { extractionFailed } from './extract/failure.ts';
import { prepare } from './prepare.ts';
import type { Prepared, SourceContent } from './prepare.ts';
import type { Answer } from './prepare-worker.ts';

/** What the worst text of this size costs is not felt; starting a thread for it would cost more. A page costs ten times as much. */
const SMALL = { text: 16_000, file: 2_000 };
/** Without a word of progress, and in all. */
const SILENT_MS = 60_000;
const LIMIT_MS = 15 * 60_000;
const LIMIT_MB = 768;

const isSmall = (content: SourceContent): boolean => {
  if (content.type === 'faq') return content.answer.length <= SMALL.text;
  if (content.type === 'snippet') return content.text.length <= SMALL.text;
  return ('content' in content.file ? content.file.content.length : content.file.size) <= SMALL.file;
};

/**
 * Content → chunks, away from the event loop, in bounded time and memory. `onProgress` hears how much is read, 0 to 1.
 * @throws AppError 422 when there is no text to be had, or not within the limits
 */
export async function prepareApart(
  content: SourceContent,
  { ms = SILENT_MS, onProgress = () => undefined }: { ms?: number; onProgress?: (share: number) => void } = {},
): Promise<Prepared> {
  if (isSmall(content)) return prepare(content, { signal: AbortSignal.timeout(ms), progress: onProgress });
  const worker = new Worker(new URL('./prepare-worker.ts', import.meta.url), {
    workerData: content,
    resourceLimits: { maxOldGenerationSizeMb: LIMIT_MB },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Exclude<Answer, { progress: number }>>();
  const tooLong = () =>
    resolve({ failed: 'This text takes too long to be read. Split it, or simplify its formatting.' });
  const silence = setTimeout(tooLong, ms);
  const limit = setTimeout(tooLong, LIMIT_MS);
  worker.on('message', (answer: Answer) => {
    if (!('progress' in answer)) return resolve(answer);
    silence.refresh();
    onProgress(answer.progress);
  });
  worker.once('error', (error) => {
    const full = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    if (full) resolve({ failed: 'This text takes too much memory to be read. Split it.' });
    else reject(error instanceof Error ? error : new Error(String(error)));
  });
  worker.once('exit', (code) => reject(new Error(`the reading thread ended with code ${code}`)));
  try {
    const answer = await promise;
    if ('prepared' in answer) return answer.prepared;
    if ('failed' in answer) throw extractionFailed(answer.failed);
    throw new Error(`a source could not be read: ${answer.error}`);
  } finally {
    clearTimeout(silence);
    clearTimeout(limit);
    await worker.terminate();
  }
}
