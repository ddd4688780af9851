/**
 * One source read in a thread of its own: parsers of Markdown and HTML have inputs that cost them minutes, and nobody
 * else may wait for that. Gets the content as `workerData`, answers `prepared`, `failed` (words for people) or `error`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../platform/errors.ts';
import { prepare } from './prepare.ts';
import type { SourceContent } from './prepare.ts';

if (!parentPort) throw new Error('prepare-worker.ts runs as a worker thread only');
const port = parentPort;

/** Bytes arrive as a plain array of them. */
const revive = (content: SourceContent): SourceContent =>
  'file' in content ? { ...content, file: { ...content.file, content: Buffer.from(content.file.content) } } : content;

try {
  port.postMessage({ prepared: prepare(revive(workerData as SourceContent)) });
} catch (error) {
  if (error instanceof AppError) port.postMessage({ failed: error.message });
  else port.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
