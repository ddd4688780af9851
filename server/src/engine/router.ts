import type { Handler, Outcome, Saying, TurnInput } from './types.ts';

/** Asks the handlers in order. Who composes them puts one last that accepts everything. */
export function createRouter(handlers: Handler[]) {
  const ordered = [...handlers].sort((a, b) => a.priority - b.priority);
  return async function route(input: TurnInput, say: (saying: Saying) => Promise<void>): Promise<Outcome> {
    for (const handler of ordered) {
      if (!handler.accepts(input)) continue;
      const outcome = await handler.run(input, say);
      if (outcome !== 'next') return outcome;
    }
    throw new Error('no handler accepted the turn');
  };
}
export type Router = ReturnType<typeof createRouter>;
