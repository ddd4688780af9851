/**
 * A part of a benchmark in a process of its own: load, doubles and bare baselines must not take the processor's time of
 * the event loop that is measured. The child's file calls `serve` with its functions; `startChild` calls them by name.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

type Functions = Record<string, (input: never) => unknown>;
type Ask = { id: number; name: string; input: unknown };
type Answer = { id: number; result?: unknown; error?: string };

export type Child<F extends Functions> = {
  pid: number;
  ask<K extends keyof F & string>(name: K, input: Parameters<F[K]>[0]): Promise<Awaited<ReturnType<F[K]>>>;
  stop(): Promise<void>;
};

/** @param file beside this one, e.g. "load-process.ts" */
export async function startChild<F extends Functions>(
  file: string,
  env: Record<string, string> = {},
): Promise<Child<F>> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let asked = 0;
  child.on('message', ({ id, result, error }: Answer) => {
    const caller = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) caller?.resolve(result);
    else caller?.reject(new Error(`${file}: ${error}`));
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${code}`));
  });
  const ready = Promise.withResolvers<unknown>();
  waiting.set(0, ready);
  await ready.promise;
  return {
    pid: child.pid ?? 0,
    ask: (name, input) =>
      new Promise((resolve, reject) => {
        const id = ++asked;
        waiting.set(id, { resolve: (value) => resolve(value as never), reject });
        child.send({ id, name, input } satisfies Ask);
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** The child's half: answers every call with the function of that name. */
export function serve(functions: Functions): void {
  process.on('message', ({ id, name, input }: Ask) => {
    const run = async (): Promise<unknown> => functions[name]?.(input as never);
    run().then(
      (result) => process.send?.({ id, result } satisfies Answer),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0 } satisfies Answer);
}

/** The same clock in every process of the machine, in milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
