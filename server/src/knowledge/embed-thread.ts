import { Worker } from 'node:worker_threads';
import { z } from 'zod';

/** The thread of the model, one request after the other. It starts with the first and is started again after it ended. */
export type EmbedThread = {
  /** @throws Error when the model failed, or when its thread ended or fell silent twice in a row */
  ask(texts: string[]): Promise<Float32Array[]>;
  close(): Promise<void>;
};

/** Longer than a machine under load needs to load the model. */
const SILENT_MS = 60_000;

const answerSchema = z.union([
  z.object({ id: z.number(), vectors: z.array(z.instanceof(Float32Array)) }),
  z.object({ id: z.number(), error: z.string() }),
]);

class ThreadEnded extends Error {}

type Request = { id: number; resolve(vectors: Float32Array[]): void; reject(error: Error): void };

export function createEmbedThread(workerUrl: URL): EmbedThread {
  let worker: Worker | undefined;
  let current: Request | undefined;
  let closed = false;
  let lastId = 0;

  function onMessage(message: unknown): void {
    const answer = answerSchema.parse(message);
    if (answer.id !== current?.id) return;
    if ('error' in answer) current.reject(new Error(`The embedding model failed: ${answer.error}`));
    else current.resolve(answer.vectors);
  }

  function start(): Worker {
    const started = new Worker(workerUrl);
    const onGone = (reason: string, cause?: unknown): void => {
      if (worker !== started) return;
      worker = undefined;
      current?.reject(new ThreadEnded(reason, { cause }));
    };
    started.on('message', onMessage);
    started.on('error', (error) => onGone(error instanceof Error ? error.message : String(error), error));
    started.on('exit', (code) => onGone(`The embedding thread ended with code ${code}.`));
    return started;
  }

  async function once(texts: string[]): Promise<Float32Array[]> {
    if (closed) throw new Error('The embedder is closed.');
    worker ??= start();
    const asked = worker;
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>();
    const id = (lastId += 1);
    current = { id, resolve, reject };
    const timer = setTimeout(() => {
      reject(new ThreadEnded('The embedding model is silent.'));
      if (worker === asked) worker = undefined;
      void asked.terminate();
    }, SILENT_MS);
    // An idle model must not keep a finished process alive.
    asked.ref();
    asked.postMessage({ id, texts });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      current = undefined;
      asked.unref();
    }
  }

  return {
    async ask(texts) {
      try {
        return await once(texts);
      } catch (error) {
        if (!(error instanceof ThreadEnded) || closed) throw error;
        return once(texts);
      }
    },
    async close() {
      closed = true;
      await worker?.terminate();
    },
  };
}
