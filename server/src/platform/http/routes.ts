import type { Call } from '@parley/contract';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Http } from './types.ts';

type Parsed<C, Part extends string> =
  C extends Record<Part, infer Schema extends z.ZodType> ? z.output<Schema> : unknown;

/** A request to a declared call: what it carries has been parsed by the declaration. */
export type RequestTo<C extends Call> = Omit<FastifyRequest, 'params' | 'query' | 'body'> & {
  params: Parsed<C, 'params'>;
  query: Parsed<C, 'query'>;
  body: Parsed<C, 'body'>;
};

/** The answer's envelope, as its schema takes it. */
type AnswerTo<C extends Call> = C extends { response: infer Schema extends z.ZodType } ? z.input<Schema> : never;
type Handler<C extends Call> = (request: RequestTo<C>, reply: FastifyReply) => Promise<AnswerTo<C> | FastifyReply>;

/** What a route says beside its declaration: longer words for the API reference, limits of its own. */
type Extras = { description?: string } & Pick<FastifyContextConfig, 'limit' | 'load' | 'body'>;

/**
 * Registers the calls a noun declares in the contract, under /api/v1: method, path, permission and schemas are the declaration's,
 * so a client and the server cannot know different ones. Every call needs a handler.
 *
 * @example addRoutes(http, apiKeysApi, { list: async (request) => …, create: … })
 */
export function addRoutes<const Calls extends Record<string, Call & { tag: string }>>(
  http: Http,
  calls: Calls,
  handlers: { [Name in keyof Calls]: Handler<Calls[Name]> },
  extras: { [Name in keyof Calls]?: Extras } = {},
): void {
  for (const [name, call] of Object.entries(calls)) {
    const { description, ...config } = extras[name] ?? {};
    const { method, path, permission, upload, visitor, tag, summary, params, query, body, status = 200 } = call;
    http.route({
      method,
      url: path,
      config: { permission, ...(upload ? { body: upload } : {}), ...(visitor ? { visitor } : {}), ...config },
      schema: {
        tags: [tag],
        summary,
        ...(description ? { description } : {}),
        ...(params ? { params } : {}),
        ...(query ? { querystring: query } : {}),
        ...(body ? { body } : {}),
        response: { [status]: call.response },
      },
      // Parsed by the schemas above, which the handler's type is made of.
      handler: handlers[name] as (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
    });
  }
}

/** Some of a noun's calls, where its routes stand in several files. */
export const callsOf = <Calls extends Record<string, Call & { tag: string }>, const Name extends keyof Calls>(
  calls: Calls,
  ...names: Name[]
): Pick<Calls, Name> => Object.fromEntries(names.map((name) => [name, calls[name]])) as Pick<Calls, Name>;
