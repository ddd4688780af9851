import type { Acknowledgement } from '@parley/contract';
import type { z } from 'zod';
import { badRequest, toProblem } from '../errors.ts';
import { fieldProblems } from '../http/validate.ts';
import { newId } from '../data/ids.ts';
import { assertModestValue, jsonLimits } from '../limits/json-limits.ts';
import type { Logger } from '../telemetry/log.ts';
import { enter } from '../telemetry/tracing.ts';
import type { Tracing } from '../telemetry/tracing.ts';

type AnySocket = { on(event: string, listener: (...args: unknown[]) => void): unknown };

/** A handler of one client event: gets the parsed payload, returns what is acknowledged. Throws AppErrors. */
export type EventHandlers<Schemas extends Record<string, z.ZodType>> = {
  [K in keyof Schemas]?: (payload: z.output<Schemas[K]>) => Promise<unknown>;
};

/**
 * Binds a socket's events like routes: the payload is parsed, `admit` is asked every time (a socket outlives what opened
 * it), whatever is thrown becomes the envelope of the acknowledgement. Events that are in no table are ignored.
 */
export function bindEvents<Schemas extends Record<string, z.ZodType>>(parts: {
  socket: AnySocket;
  schemas: Schemas;
  handlers: EventHandlers<Schemas>;
  log: Logger;
  tracing: Tracing;
  workspaceId: string;
  admit: (event: string) => Promise<void> | void;
}): void {
  const { socket, schemas, handlers, log, tracing, workspaceId, admit } = parts;
  for (const [event, handler] of Object.entries(handlers)) {
    const schema = schemas[event];
    if (!schema || !handler) continue;
    socket.on(event, (...args) => {
      const last = args.at(-1);
      const acknowledge = typeof last === 'function' ? (last as (answer: Acknowledgement) => void) : undefined;
      const payload = args.length > (acknowledge ? 1 : 0) ? args[0] : {};
      const context = { requestId: newId(), workspaceId };
      void enter(tracing, context, `socket ${event}`, { kind: 'server' }, async () => {
        try {
          await admit(event);
          assertModestValue(payload, jsonLimits);
          const parsed = schema.safeParse(payload);
          if (!parsed.success) {
            throw badRequest('The input is not valid.', fieldProblems(parsed.error));
          }
          const data = await (handler as (payload: unknown) => Promise<unknown>)(parsed.data);
          acknowledge?.({ success: true, data: data ?? { done: true } });
          log.debug({ event }, 'a socket event was handled');
        } catch (error) {
          const problem = toProblem(error);
          if (problem.reportable) log.error({ err: error, event }, 'a socket event failed');
          acknowledge?.(problem.body);
        }
      });
    });
  }
}
