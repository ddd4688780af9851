import { MAX_DETAILS } from '@parley/contract';
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import { z } from 'zod';
import { badRequest } from '../errors.ts';
import type { FieldProblem } from '../errors.ts';
import type { Http } from './types.ts';

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.');

/** Zod's issues as the envelope names them, the first ten; every unknown key is a problem of its own. */
export const fieldProblems = (error: z.core.$ZodError): FieldProblem[] =>
  error.issues
    .slice(0, MAX_DETAILS)
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, MAX_DETAILS)
            .map((key) => ({ field: dotted([...issue.path, key]), message: 'is not known here' }))
        : [{ field: dotted(issue.path), message: issue.message }],
    )
    .slice(0, MAX_DETAILS);

/**
 * A route that declares no query takes none, and one that declares some takes no others: what is not known is a filter
 * that was spelled wrong.
 */
export const refuseUnknownQueries = (http: Http): void => {
  http.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/api/')) return;
    route.schema = { querystring: z.strictObject({}), ...route.schema };
    const { querystring } = route.schema;
    if (!(querystring instanceof z.ZodObject) || !(querystring.def.catchall instanceof z.ZodNever))
      throw new Error(`${String(route.method)} ${route.url} declares a query that is not a strict object`);
  });
};

/** What a request carries is parsed; the handler sees only the result. A missing body is undefined. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const result = schema.safeParse(httpPart === 'body' && data === null ? undefined : data);
    if (result.success) return { value: result.data };
    return { error: badRequest('The input is not valid.', fieldProblems(result.error)) };
  };

/** An answer that is not what its route declares: our fault. Its details are in the log alone. */
export class ResponseMismatch extends Error {
  readonly problems: FieldProblem[];

  constructor(method: string, url: string, problems: FieldProblem[]) {
    super(`the answer of ${method} ${url} does not fit its schema: ${problems.map(({ field }) => field).join(', ')}`);
    this.name = 'ResponseMismatch';
    this.problems = problems;
  }
}

const schemaIn = (schema: unknown): z.ZodType => {
  if (schema instanceof z.ZodType) return schema;
  throw new Error('a response schema must be a Zod schema');
};

/**
 * Answers go through their schema, so nothing undeclared leaves. Parsed rather than encoded: several of the
 * contract's shapes clean text with a one-way transform, which is harmless to run again.
 */
export const serializerCompiler: FastifySerializerCompiler<z.ZodType> = ({ schema, method, url }) => {
  const parser = schemaIn(schema);
  return (data: unknown) => {
    const result = parser.safeParse(data);
    if (!result.success) throw new ResponseMismatch(method, url, fieldProblems(result.error));
    return JSON.stringify(result.data);
  };
};
