import swagger from '@fastify/swagger';
import type { SwaggerTransform } from '@fastify/swagger';
import reference from '@scalar/fastify-api-reference';
import { Failure } from '@parley/contract';
import type { FastifySchema } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { core } from 'zod';
import { isUpload } from './body-limits.ts';
import type { BodyLimits } from './body-limits.ts';
import type { Http, RoutePermission } from './types.ts';

const failures: Record<number, string> = {
  400: 'The input is not valid; `details` names the fields.',
  401: 'Nobody is signed in, or what was given is wrong.',
  403: 'The role does not allow it.',
  404: 'Not there, or not in this workspace. `route_not_found`: no route has this address.',
  409: 'It conflicts with the present state.',
  413: 'Too large.',
  429: 'Too many requests; `Retry-After` says when to try again.',
};

const failureFor = (status: string) => ({
  description: failures[Number(status)],
  content: { 'application/json': { schema: Failure } },
});

const fileBody = (bytes: number) => ({
  type: 'object',
  properties: {
    file: { type: 'string', format: 'binary', description: `At most ${Math.floor(bytes / 1024 / 1024)} MB.` },
  },
  required: ['file'],
});

const asked = (permission: RoutePermission): string => {
  if (permission === 'public') return 'Needs no login.';
  return permission === 'signed-in' ? 'Needs the login of a person.' : `Needs the permission \`${permission}\`.`;
};

/** `POST /api/v1/bots/:id/ask` → `postBotsIdAsk`: a name for generated clients that stays while the address does. */
const operationId = (method: string, url: string): string =>
  url
    .replace(/^\/api\/v1/, '')
    .split(/[^a-z0-9]+/i)
    .reduce((name, word) => name + word.charAt(0).toUpperCase() + word.slice(1), method.toLowerCase());

type Converted = { zodSchema: core.$ZodType; jsonSchema: core.JSONSchema.BaseSchema };

// oxlint-disable-next-line no-underscore-dangle -- Zod's name for what libraries may read (zod.dev/library-authors)
const definitionOf = <D>({ _zod: { def } }: { _zod: { def: D } }): D => def;

/**
 * A text that is cleaned before it is measured is described by its first step alone, which has no limits: they stand at its
 * last. An id is as long as its format. (Given an override, the converter leaves out its own, of which we need the unions.)
 */
function describeLimits({ zodSchema, jsonSchema }: Converted): void {
  const def = definitionOf(zodSchema);
  if (def.type === 'union') jsonSchema.anyOf = jsonSchema.anyOf?.filter((one) => Object.keys(one).length > 0);
  if (jsonSchema.format === 'uuid') jsonSchema.maxLength = UUID_LENGTH;
  if (def.type !== 'pipe' || jsonSchema.type !== 'string') return;
  const { out } = def as core.$ZodPipeDef;
  for (const check of definitionOf(out).checks ?? []) {
    const rule = definitionOf(check);
    if (rule.check === 'max_length') jsonSchema.maxLength = (rule as core.$ZodCheckMaxLengthDef).maximum;
    if (rule.check === 'min_length') jsonSchema.minLength = (rule as core.$ZodCheckMinLengthDef).minimum;
  }
}

const UUID_LENGTH = 36;

const toJsonSchema = createJsonSchemaTransform({ zodToJsonConfig: { override: describeLimits } });

/** Adds to each operation what the route's configuration says: who may call it, how it fails, what it uploads. */
const transformWith =
  (limits: BodyLimits): SwaggerTransform =>
  (document) => {
    const { schema, route } = document;
    const permission = route.config?.permission;
    if (!schema || schema.hide || !permission) return { schema: { hide: true }, url: document.url };
    const { visitor, limit } = route.config ?? {};
    const open = permission === 'public' && !visitor;
    // A wrong password is a 401 as well.
    const never = open ? (limit === 'credentials' ? ['403'] : ['401', '403']) : [];
    const kinds = Object.keys(failures).filter((status) => !never.includes(status));
    const declared: FastifySchema = {
      ...schema,
      operationId: operationId(String(route.method), document.url),
      description: [schema.description, visitor ? 'Needs a visitor token.' : asked(permission)]
        .filter(Boolean)
        .join('\n\n'),
      security: open ? [] : [visitor ? { visitor: [] } : { login: [] }],
      response: {
        ...Object.fromEntries(kinds.map((status) => [status, failureFor(status)])),
        ...Object(schema.response),
      },
    };
    const transformed = toJsonSchema({ ...document, schema: declared });
    // The converter drops what a schema says about itself, its examples among it.
    const examples = schema.body instanceof z.ZodType ? schema.body.meta()?.examples : undefined;
    if (examples)
      return {
        ...transformed,
        schema: { ...transformed.schema, body: { ...Object(transformed.schema?.body), examples } },
      };
    const kind = route.config?.body;
    if (!kind || !isUpload(kind)) return transformed;
    const body = fileBody(limits[kind]);
    return { ...transformed, schema: { ...transformed.schema, consumes: ['multipart/form-data'], body } };
  };

const tags = [
  { name: 'Sign-in', description: 'Set-up, login, invitations, tokens.' },
  { name: 'Workspaces', description: 'The company and its settings.' },
  { name: 'Members', description: 'People, roles and invitations.' },
  { name: 'API keys', description: 'How programs sign in.' },
  { name: 'Knowledge', description: 'What bots may answer from.' },
  { name: 'Bots', description: 'Who answers, and how.' },
  { name: 'Inboxes', description: 'Where customers write.' },
  { name: 'Contacts', description: 'Who writes.' },
  { name: 'Conversations', description: 'What was said, and by whom.' },
  { name: 'Handoffs', description: 'Conversations waiting for a person.' },
  { name: 'Widget', description: 'What the chat on a website calls.' },
];

/** /openapi.json from the routes' own schemas, and the reference at /docs, with everything it loads from here. */
export const describeApi = async (http: Http, publicUrl: string): Promise<void> => {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Parley',
        version: '1',
        description:
          'Everything the dashboard does. Answers are `{success:true,data,meta?}` or `{success:false,error}`; each carries `x-request-id`. Any call may also answer 500 (our fault) or 503 (shutting down, or a service it needs is away).',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl }],
      tags,
      components: {
        securitySchemes: {
          login: {
            type: 'http',
            scheme: 'bearer',
            description:
              'The access token of POST /api/v1/auth/login, which lasts an hour and is for one workspace; or an API key (`parley_…`), wherever a permission is needed.',
          },
          visitor: {
            type: 'apiKey',
            in: 'header',
            name: 'authorization',
            description: '`Visitor <token>`, from the widget’s `session:created`.',
          },
        },
      },
    },
    transform: transformWith(http.bodyLimits),
  });
  http.get('/openapi.json', { schema: { hide: true } }, async () => http.swagger());
  await http.register(reference, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      pageTitle: 'Parley API',
      withDefaultFonts: false,
      telemetry: false,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      favicon: '/favicon.svg',
    },
  });
};
