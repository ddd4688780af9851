import { LRUCache } from 'lru-cache';
import { createFairQueue } from '../platform/limits/fair-queue.ts';
import { createEmbedThread } from './embed-thread.ts';

/** Who waits for vectors. Questions go before files, and one workspace after the other. */
export type EmbedTurn = { workspaceId: string; purpose: 'question' | 'ingest'; signal?: AbortSignal | undefined };

/** Texts → unit vectors, one per text, in order. `model` and `dimensions` say which column index they belong to. */
export type Embedder = {
  model: string;
  dimensions: number;
  /** @throws Error when the model failed twice; AppError 503 when too much waits already; the signal's reason */
  embed(texts: string[], turn: EmbedTurn): Promise<number[][]>;
  /** Rejects when the model failed last time, or was silent over its work for a minute. For health: asks nobody. */
  probe(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Characters of a text the model is shown. It reads 128 tokens (some 500 characters of English) and ignores the rest, but
 * takes the rest apart first, in quadratic time: 13 s for 40,000 characters.
 */
export const LONGEST_TEXT = 2_000;
/** One piece of work, which nobody can interrupt: a question waits for at most one. Long texts gain nothing together. */
const PIECE = { texts: 8, characters: 1_200 };
/** Pieces. A question has up to four; more than that from one workspace is more than a minute of work. */
const MAX_WAITING = { perKey: 500, all: 5_000 };

/**
 * What the model is shown of a text. NFKC is what its tokenizer begins with; one character may become eighteen there, so
 * the length is looked at afterwards too.
 */
export const cutForModel = (text: string): string =>
  text.length * 18 <= LONGEST_TEXT ? text : text.slice(0, LONGEST_TEXT).normalize('NFKC').slice(0, LONGEST_TEXT);

/** Consecutive texts in pieces of work; one too large for a piece is a piece by itself. */
const inPieces = <T extends { text: string }>(texts: T[]): T[][] => {
  const pieces: T[][] = [];
  let characters = 0;
  for (const one of texts) {
    const last = pieces.at(-1);
    characters += one.text.length;
    if (last && last.length < PIECE.texts && characters <= PIECE.characters) last.push(one);
    else {
      pieces.push([one]);
      characters = one.text.length;
    }
  }
  return pieces;
};

export type EmbedderOptions = {
  /** the thread's entry; tests give one that crashes */
  workerUrl?: URL;
  /** vectors of single short texts (questions, sentences) kept in memory; 2 KB each */
  cacheSize?: number;
};

/** The bundled Universal Sentence Encoder lite, in a thread of its own. */
export const createBundledEmbedder = (options: EmbedderOptions = {}): Embedder => {
  const thread = createEmbedThread(options.workerUrl ?? new URL('./embed-worker.ts', import.meta.url));
  const queue = createFairQueue({ classes: ['question', 'ingest'], concurrency: 1, maxWaiting: MAX_WAITING });
  const cache = new LRUCache<string, number[]>({ max: options.cacheSize ?? 5000 });
  let failure: Error | undefined;

  const ask = async (texts: string[]): Promise<number[][]> => {
    try {
      const vectors = await thread.ask(texts);
      if (vectors.length !== texts.length) throw new Error('The embedding model returned too few vectors.');
      failure = undefined;
      return vectors.map((vector) => Array.from(vector));
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    }
  };

  return {
    model: 'use-lite-512',
    dimensions: 512,
    async embed(texts, { workspaceId, purpose, signal }) {
      const shown = texts.map(cutForModel);
      const vectors = shown.map((text) => cache.get(text));
      const missing = shown.flatMap((text, at) => (vectors[at] ? [] : [{ text, at }]));
      for (const piece of inPieces(missing)) {
        const found = await queue.run({ class: purpose, key: workspaceId, signal }, () =>
          ask(piece.map(({ text }) => text)),
        );
        piece.forEach(({ text, at }, index) => {
          const vector = found[index] ?? [];
          vectors[at] = vector;
          if (text.length <= 500) cache.set(text, vector);
        });
      }
      return vectors.map((vector) => vector ?? []);
    },
    async probe() {
      if (failure) throw failure;
    },
    close: thread.close,
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
