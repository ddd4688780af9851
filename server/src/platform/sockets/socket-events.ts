import type { Acknowledgement, Permission } from '@parley/contract';
import type { z } from 'zod';
import { badRequest, toProblem } from '../errors.ts';
import type { Actor, SignedIn } from '../http/index.ts';
import { fieldProblems } from '../http/validate.ts';
import { newId } from '../data/ids.ts';
import { assertModestValue, jsonLimits } from '../limits/json-limits.ts';
import type { Logger } from '../telemetry/log.ts';
import { enter } from '../telemetry/tracing.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { RealtimeSocket } from './realtime.ts';

type AnySocket = { on(event: string, listener: (...args: unknown[]) => void): unknown };

/** A client's event: its payload, and what is done with one that was parsed. What it returns is acknowledged. Throws AppErrors. */
export type SocketEvent<At> = { payload: z.ZodType; handle(payload: unknown, at: At): Promise<unknown> };

/** An agent's socket. */
export type AgentSocket = {
  socket: RealtimeSocket;
  actor: Actor;
  /** who the socket's token stands for now; null once the login or the membership ended */
  current(): Promise<SignedIn | null>;
};
/** Asked for its permission every time. */
export type AgentEvents = Record<string, SocketEvent<AgentSocket> & { permission: Permission }>;

/** A visitor's socket. What is known of the visitor adds whoever lets them in, by `declare module`. */
export interface VisitorSocket {
  socket: RealtimeSocket;
}
export type VisitorEvents = Record<string, SocketEvent<VisitorSocket>>;

type Schemas = Record<string, z.ZodType>;
type Handlers<S extends Schemas, At, More> = {
  [Name in keyof S]: More & { handle(payload: z.output<S[Name]>, at: At): Promise<unknown> };
};

/** A handler for each event the contract has of a noun, as a feature declares them. */
export const agentEvents = <S extends Schemas>(
  schemas: S,
  handlers: Handlers<S, AgentSocket, { permission: Permission }>,
): AgentEvents => withPayloads<S, AgentEvents[string]>(schemas, handlers);

export const visitorEvents = <S extends Schemas>(
  schemas: S,
  handlers: Handlers<S, VisitorSocket, object>,
): VisitorEvents => withPayloads<S, VisitorEvents[string]>(schemas, handlers);

function withPayloads<S extends Schemas, Event extends { payload: z.ZodType }>(
  schemas: S,
  handlers: { [Name in keyof S]: Omit<Event, 'payload'> },
): Record<string, Event> {
  const events: Record<string, Event> = {};
  // Everything of an event but its payload, and that.
  for (const [name, payload] of Object.entries(schemas)) events[name] = { ...handlers[name], payload } as Event;
  return events;
}

/** The events of all features. @throws when two have the same */
export function collectEvents<Event>(all: readonly Record<string, Event>[]): Record<string, Event> {
  const events: Record<string, Event> = {};
  for (const [name, event] of all.flatMap((some) => Object.entries(some))) {
    if (Object.hasOwn(events, name)) throw new Error(`the socket event ${name} is declared twice`);
    events[name] = event;
  }
  return events;
}

/**
 * Binds a socket's events like routes: the payload is parsed, `admit` is asked every time (a socket outlives what opened
 * it), whatever is thrown becomes the envelope of the acknowledgement. Events that are in no table are ignored.
 */
export function bindEvents<At extends { socket: AnySocket }, Event extends SocketEvent<At>>(parts: {
  at: At;
  events: Record<string, Event>;
  log: Logger;
  tracing: Tracing;
  workspaceId: string;
  admit: (event: Event) => Promise<void> | void;
}): void {
  const { at, events, log, tracing, workspaceId, admit } = parts;
  for (const [name, event] of Object.entries(events)) {
    at.socket.on(name, (...args) => {
      const last = args.at(-1);
      const acknowledge = typeof last === 'function' ? (last as (answer: Acknowledgement) => void) : undefined;
      const payload = args.length > (acknowledge ? 1 : 0) ? args[0] : {};
      const context = { requestId: newId(), workspaceId };
      void enter(tracing, context, `socket ${name}`, { kind: 'server' }, async () => {
        try {
          await admit(event);
          assertModestValue(payload, jsonLimits);
          const parsed = event.payload.safeParse(payload);
          if (!parsed.success) {
            throw badRequest('The input is not valid.', fieldProblems(parsed.error));
          }
          const data = await event.handle(parsed.data, at);
          acknowledge?.({ success: true, data: data ?? { done: true } });
          log.debug({ event: name }, 'a socket event was handled');
        } catch (error) {
          const problem = toProblem(error);
          if (problem.reportable) log.error({ err: error, event: name }, 'a socket event failed');
          acknowledge?.(problem.body);
        }
      });
    });
  }
}
