import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as contract from '@parley/contract';
import type { Call } from '@parley/contract';
import { createHttp } from './platform/http/index.ts';
import type { Http } from './platform/http/index.ts';
import { createLogger } from './platform/telemetry/log.ts';
import { createMetrics } from './platform/telemetry/metrics.ts';
import { startTestApp } from './test/app.ts';

type Operation = { description?: string; responses: Record<string, unknown> };
type Description = { paths: Record<string, Record<string, Operation>> };

/** Of every file of the contract, also of those its index does not name. */
const folder = new URL('./', import.meta.resolve('@parley/contract'));
const modules = await Promise.all(
  readdirSync(fileURLToPath(folder))
    .filter((file) => file.endsWith('.ts') && !['index.ts'].includes(file) && !file.endsWith('.test.ts'))
    .map((file) => import(new URL(file, folder).href) as Promise<Record<string, unknown>>),
);
const declared: Call[] = modules
  .flatMap((module) => Object.entries(module))
  .filter(([name]) => name.endsWith('Api'))
  .flatMap(([, calls]) => Object.values(calls as Record<string, Call>));

/** A server with nothing behind its routes, described by the same code as the real one. */
async function describeDeclared(calls: readonly Call[]): Promise<Description> {
  const http = await createHttp({
    config: { publicUrl: 'http://127.0.0.1:3000' },
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics({ defaults: false }),
    limits: { credentialsPerMinute: 20, perMinute: 3_000 },
    authenticate: async () => null,
    health: { dependencies: {}, targets: () => ({}) },
  });
  const register = async (api: Http) => {
    for (const { method, path: url, permission, upload, visitor, status = 200, response, ...call } of calls)
      api.route({
        method,
        url,
        config: { permission, ...(upload ? { body: upload } : {}), ...(visitor ? { visitor } : {}) },
        schema: {
          tags: [(call as Call & { tag: string }).tag],
          summary: call.summary,
          ...(call.params ? { params: call.params } : {}),
          ...(call.query ? { querystring: call.query } : {}),
          ...(call.body ? { body: call.body } : {}),
          response: { [status]: response },
        },
        handler: async () => undefined,
      });
  };
  await http.register(register, { prefix: '/api/v1' });
  const description = (await http.inject({ url: '/openapi.json' })).json<Description>();
  await http.close();
  return description;
}

/** By `METHOD /path`: what goes in, what comes out, and who may ask. Longer words stay with the route. */
function operations({ paths }: Description): Map<string, unknown> {
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { description = '', responses, ...rest }]) => {
      const answers = Object.entries(responses).filter(([status]) => status < '300');
      const asks = /Needs [^\n]*$/.exec(description)?.[0];
      return [`${method.toUpperCase()} ${path}`, { ...rest, asks, responses: answers }] as const;
    }),
  );
  return new Map(found);
}

it('the declared calls are the routes of the running server, one for one', async (context) => {
  // With what is served to tests alone.
  const app = await startTestApp({ PARLEY_TEST_CLOCK: '1' });
  context.after(() => app.close());
  const response = await fetch(`${app.url}/openapi.json`);
  const served = operations((await response.json()) as Description);
  const known = operations(await describeDeclared(declared));
  assert.ok(served.size > 80);
  assert.deepEqual([...known.keys()].sort(), [...served.keys()].sort());
  for (const [name, operation] of served) assert.deepEqual(known.get(name), operation, name);
  assert.equal(declared.length, served.size, 'no call is declared twice');
});

it('notices a schema, a permission or a status that is another', async () => {
  const { list, create } = contract.botsApi;
  const [before, after] = await Promise.all([
    describeDeclared([list, create]),
    describeDeclared([
      { ...list, permission: 'bots:write' },
      { ...create, status: undefined, body: contract.BotPatch },
    ]),
  ]);
  const [was, is] = [operations(before), operations(after)];
  for (const name of was.keys()) assert.notDeepEqual(is.get(name), was.get(name), name);
});

type Schema = {
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  maxLength?: number;
  properties?: Record<string, Schema>;
  propertyNames?: Schema;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
};
type Asked = {
  parameters?: { name: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
};

/** Texts of what goes in that may be as long as anybody likes. */
function endless(schema: Schema, at: string): string[] {
  const isFixed = schema.enum !== undefined || schema.const !== undefined || schema.format === 'binary';
  const own = schema.type === 'string' && !isFixed && schema.maxLength === undefined ? [at] : [];
  const { propertyNames: names, additionalProperties: values, items } = schema;
  return [
    ...own,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => endless(each, `${at}.${name}`)),
    ...(names ? endless({ type: 'string', ...names }, `${at}.{name}`) : []),
    ...(typeof values === 'object' ? endless(values, `${at}.{value}`) : []),
    ...(items ? endless(items, `${at}[]`) : []),
    ...[schema.anyOf, schema.oneOf, schema.allOf].flatMap((each) => each ?? []).flatMap((each) => endless(each, at)),
  ];
}

it('says of every text that is sent how long it may be', async () => {
  const { paths } = await describeDeclared(declared);
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as unknown as Record<string, Asked>).flatMap(([method, { parameters, requestBody }]) => [
      ...(parameters ?? []).flatMap(({ name, schema }) => endless(schema, `${method} ${path} ?${name}`)),
      ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => endless(schema, `${method} ${path} `)),
    ]),
  );
  assert.deepEqual(found, []);
});
