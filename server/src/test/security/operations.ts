import assert from 'node:assert/strict';
import { fields, names, segments } from './examples.ts';
import type { Kind } from './examples.ts';

/** The part of JSON Schema that /openapi.json uses. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minLength?: number;
  minimum?: number;
  description?: string;
};

type Documented = {
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: { in: 'path' | 'query' | 'header'; name: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
};

export type Operation = {
  /** "GET /conversations/{id}" */
  name: string;
  method: string;
  /** under /api/v1 */
  path: string;
  isPublic: boolean;
  /** `noun:verb`, or undefined when any login will do */
  permission: string | undefined;
  parameters: NonNullable<Documented['parameters']>;
  body: Schema | undefined;
  takesFile: boolean;
  responses: Documented['responses'];
};

const PREFIX = '/api/v1';

/** Every operation /openapi.json tells of. */
export async function readOperations(url: string): Promise<Operation[]> {
  const response = await fetch(`${url}/openapi.json`);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, Documented>> };
  return Object.entries(paths)
    .filter(([path]) => path.startsWith(PREFIX))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, documented]): Operation => {
        const content = documented.requestBody?.content ?? {};
        return {
          name: `${method.toUpperCase()} ${path.slice(PREFIX.length)}`,
          method: method.toUpperCase(),
          path: path.slice(PREFIX.length),
          // What a visitor's token opens asks for no login.
          isPublic: documented.security?.every((means) => !('login' in means)) ?? false,
          permission: /Needs the permission `([\w:-]+)`/.exec(documented.description ?? '')?.[1],
          parameters: documented.parameters ?? [],
          body: content['application/json']?.schema,
          takesFile: 'multipart/form-data' in content,
          responses: documented.responses,
        };
      }),
    );
}

/** The ids in an operation's address. Throws for one nobody has told us about: its noun says it in `segments` of its test-example.ts. */
export function idsInPath({ name, path }: Operation): { parameter: string; kind: Kind }[] {
  const steps = path.split('/');
  return steps.flatMap((step, index) => {
    const parameter = /^\{(.+)\}$/.exec(step)?.[1];
    if (parameter === undefined) return [];
    const before = steps[index - 1] ?? '';
    if (names.has(before)) return [];
    const kind = segments.get(`${steps[index - 2]}/${before}`) ?? segments.get(before);
    assert.ok(kind, `${name}: no test-example.ts says in \`segments\` what {${parameter}} after /${before}/ is of`);
    return [{ parameter, kind }];
  });
}

const isUuid = (schema: Schema): boolean =>
  schema.format === 'uuid' ||
  [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])].some(isUuid);

/** The ids among an operation's fields. Throws for one nobody has told us about: its noun says it in `fields`. */
export function idsInFields(operation: Operation): { field: string; where: 'body' | 'query'; kind: Kind }[] {
  const taken = [
    ...Object.entries(operation.body?.properties ?? {}).map(([field, schema]) => ({
      field,
      schema,
      where: 'body' as const,
    })),
    ...operation.parameters
      .filter((parameter) => parameter.in === 'query')
      .map(({ name, schema }) => ({ field: name, schema, where: 'query' as const })),
  ];
  return taken
    .filter(({ schema }) => isUuid(schema))
    .map(({ field, where }) => {
      const kind = fields.get(field);
      assert.ok(kind, `${operation.name}: no test-example.ts says in \`fields\` what ${field} is of`);
      return { field, where, kind };
    });
}

const TEXTS: Record<string, string> = {
  email: 'somebody@example.test',
  uuid: '0198c4a3-11aa-7f00-8c00-5d1f6b8e4a12',
  uri: 'https://example.test/',
  'date-time': '2099-01-01T00:00:00.000Z',
};

/** The smallest input that fits: what must be there, and nothing else. */
export function example(schema: Schema): unknown {
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (choices) return example(choices[0] ?? {});
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') {
    const properties = Object.entries(schema.properties ?? {});
    return Object.fromEntries(
      properties.filter(([name]) => schema.required?.includes(name)).map(([name, inner]) => [name, example(inner)]),
    );
  }
  if (type === 'array') return [];
  if (type === 'boolean') return true;
  if (type === 'number' || type === 'integer') return Math.max(1, schema.minimum ?? 1);
  return TEXTS[schema.format ?? ''] ?? 'a text that is long enough';
}

/** The address with its parameters filled in. */
export const fill = (operation: Operation, ids: (kind: Kind, parameter: string) => string): string =>
  idsInPath(operation).reduce(
    (path, { kind, parameter }) => path.replace(`{${parameter}}`, encodeURIComponent(ids(kind, parameter))),
    operation.path.replaceAll(/\/([\w-]+)\/\{\w+\}/g, (whole, before: string) =>
      names.has(before) ? `/${before}/${names.get(before)}` : whole,
    ),
  );
