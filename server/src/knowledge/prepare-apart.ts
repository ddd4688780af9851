import { Worker } from 'node:worker_threads';
import { extractionFailed } from './extract/failure.ts';
import { prepare } from './prepare.ts';
import type { Prepared, SourceContent } from './prepare.ts';

/** What the worst text of this size costs is not felt; starting a thread for it would cost more. A page costs ten times as much. */
const SMALL = { text: 16_000, file: 2_000 };
const LIMIT_MS = 60_000;
const LIMIT_MB = 768;

type Answer = { prepared: Prepared } | { failed: string } | { error: string };

const isSmall = (content: SourceContent): boolean => {
  if (content.type === 'faq') return content.answer.length <= SMALL.text;
  return content.type === 'snippet' ? content.text.length <= SMALL.text : content.file.content.length <= SMALL.file;
};

/**
 * Content → chunks, away from the event loop, in bounded time and memory.
 * @throws AppError 422 when there is no text to be had, or not within the limits
 */
export async function prepareApart(content: SourceContent, limits: { ms?: number } = {}): Promise<Prepared> {
  if (isSmall(content)) return prepare(content);
  const worker = new Worker(new URL('./prepare-worker.ts', import.meta.url), {
    workerData: content,
    resourceLimits: { maxOldGenerationSizeMb: LIMIT_MB },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const tooMuch = 'This text takes too long to be read. Split it, or simplify its formatting.';
  const timer = setTimeout(() => resolve({ failed: tooMuch }), limits.ms ?? LIMIT_MS);
  worker.once('message', resolve);
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
    clearTimeout(timer);
    await worker.terminate();
  }
}
