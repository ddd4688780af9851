import type { Ask } from '@parley/contract';

/** One question to a bot in the playground, and what came back. */
export type Turn = { key: number; question: string; answer: Ask | null; error: unknown };
