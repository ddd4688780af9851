import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';

/** Texts → unit vectors, one per text, in order. `model` and `dimensions` say which column index they belong to. */
export type Embedder = {
  model: string;
  dimensions: number;
  /** @throws Error when the model failed twice */
  embed(texts: string[]): Promise<number[][]>;
  /** Rejects when the model failed last time, or has been silent over its work for a minute. For health: asks nobody. */
  probe(): Promise<void>;
  close(): Promise<void>;
};

export const batchSize = 100;

const SILENT_MS = 60_000;

const answerSchema = z.union([
  z.object({ id: z.number(), vectors: z.array(z.instanceof(Float32Array)), last: z.boolean() }),
  z.object({ id: z.number(), error: z.string() }),
]);

type Pending = {
  texts: string[];
  vectors: number[][];
  retried: boolean;
  resolve(v: number[][]): void;
  reject(e: Error): void;
};

export type EmbedderOptions = {
  /** the thread's entry; tests give one that crashes */
  workerUrl?: URL;
  /** vectors of single short texts (questions, sentences) kept in memory; 2 KB each */
  cacheSize?: number;
};

/**
 * The bundled Universal Sentence Encoder lite. The thread starts with the first text and is started again after a
 * crash; what was under way then is tried once more and after that rejected.
 */
export const createBundledEmbedder = (options: EmbedderOptions = {}): Embedder => {
  const workerUrl = options.workerUrl ?? new URL('./embed-worker.ts', import.meta.url);
  const cache = new LRUCache<string, number[]>({ max: options.cacheSize ?? 5000 });
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let closed = false;
  let lastId = 0;
  let failure: Error | undefined;
  let movedAt = performance.now();

  const send = (id: number, request: Pending): void => {
    if (pending.size === 0) movedAt = performance.now();
    pending.set(id, request);
    worker ??= start();
    worker.ref();
    worker.postMessage({ id, texts: request.texts });
  };

  const settle = (id: number): void => {
    pending.delete(id);
    // An idle model must not keep a finished process alive.
    if (pending.size === 0) worker?.unref();
  };

  const onMessage = (message: unknown): void => {
    const answer = answerSchema.parse(message);
    movedAt = performance.now();
    const request = pending.get(answer.id);
    if (!request) return;
    if ('error' in answer) {
      settle(answer.id);
      failure = new Error(`The embedding model failed: ${answer.error}`);
      request.reject(failure);
      return;
    }
    for (const vector of answer.vectors) request.vectors.push(Array.from(vector));
    if (!answer.last) return;
    settle(answer.id);
    failure = undefined;
    request.resolve(request.vectors);
  };

  const onGone = (gone: Worker, reason: Error): void => {
    if (worker !== gone) return;
    worker = undefined;
    const lost = [...pending];
    pending.clear();
    for (const [id, request] of lost) {
      if (closed || request.retried) {
        failure = reason;
        request.reject(reason);
      } else send(id, { ...request, vectors: [], retried: true });
    }
  };

  const start = (): Worker => {
    const started = new Worker(workerUrl);
    started.on('message', onMessage);
    started.on('error', (error) => onGone(started, error instanceof Error ? error : new Error(String(error))));
    started.on('exit', (code) => onGone(started, new Error(`The embedding thread ended with code ${code}.`)));
    return started;
  };

  const run = (texts: string[]): Promise<number[][]> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new Error('The embedder is closed.'));
      send((lastId += 1), { texts, vectors: [], retried: false, resolve, reject });
    });

  return {
    model: 'use-lite-512',
    dimensions: 512,
    async embed(texts) {
      const vectors = texts.map((text) => cache.get(text));
      const missing = texts.flatMap((text, at) => (vectors[at] ? [] : [{ text, at }]));
      for (let from = 0; from < missing.length; from += batchSize) {
        const batch = missing.slice(from, from + batchSize);
        const found = await run(batch.map(({ text }) => text));
        batch.forEach(({ text, at }, index) => {
          const vector = found[index];
          if (!vector) throw new Error('The embedding model returned too few vectors.');
          vectors[at] = vector;
          if (text.length <= 500) cache.set(text, vector);
        });
      }
      return vectors.map((vector) => vector ?? []);
    },
    async probe() {
      if (failure) throw failure;
      if (pending.size > 0 && performance.now() - movedAt > SILENT_MS)
        throw new Error('The embedding model is silent.');
    },
    async close() {
      closed = true;
      const last = worker;
      await last?.terminate();
    },
  };
};

/** A vector as pgvector reads it. */
export const toVectorText = (vector: number[]): string => `[${vector.map((value) => value.toPrecision(6)).join(',')}]`;

/** Cosine of two unit vectors. */
export const similarity = (a: number[], b: number[]): number => {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
};
