import { Id, Failure, prose, success } from '@parley/contract';
import { z } from 'zod';
import { actorOf, createHttp, done, keepRawBodies, ok, withUpload } from '../platform/http/index.ts';
import type { Http, SignedIn } from '../platform/http/index.ts';
import { createLogger, currentRequestId } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';

const log = createLogger({ level: 'silent' });
const someone = (permissions: SignedIn['permissions']): SignedIn => ({
  userId: '01890000-0000-7000-8000-000000000001',
  sessionId: '01890000-0000-7000-8000-000000000002',
  workspaceId: '01890000-0000-7000-8000-000000000003',
  role: 'agent',
  name: 'Ada',
  email: 'ada@example.com',
  permissions,
});

export const Note = z.object({ text: z.string() });
const NoteInput = z.strictObject({ text: prose(100), deep: z.strictObject({ number: z.int() }).optional() });
export const failureOf = (body: unknown) => Failure.parse(body).error;
/** The text of a note that was answered. */
export const textOf = (body: unknown) => success(Note).parse(body).data.text;
/** `end` lets a request to /slow end; it is there as soon as one is under way. */
export const slow: { end?: () => void } = {};

/** The HTTP server with a few routes of every kind, for the tests of the room platform/http. */
export const buildHttp = async (
  options: { broken?: boolean; credentialsPerMinute?: number; perMinute?: number } = {},
): Promise<Http> => {
  const http = await createHttp({
    config: { publicUrl: 'http://127.0.0.1:3000' },
    log,
    metrics: createMetrics({ defaults: false }),
    limits: { credentialsPerMinute: options.credentialsPerMinute ?? 20, perMinute: options.perMinute ?? 3_000 },
    authenticate: async (request) => {
      if (request.headers.authorization === 'Bearer reader') return someone(new Set(['bots:read']));
      return request.headers.authorization === 'Bearer lost'
        ? { ...someone(new Set()), workspaceId: null, role: null }
        : null;
    },
    health: {
      dependencies: {
        database: {
          needed: true,
          probe: async () => {
            if (options.broken) throw new Error('password of the database: hunter2');
          },
        },
      },
      targets: () => ({
        telegram: { state: 'closed', attempts: 1, failures: 0, timeouts: 0, retries: 0, opened: 0 },
      }),
    },
  });
  await http.register(
    async (api: Http) => {
      const response = { 200: success(Note) };
      const isPublic = { permission: 'public' } as const;
      api.post(
        '/notes',
        { config: isPublic, schema: { body: NoteInput, response, tags: ['Bots'] } },
        async ({ body }) => ok({ ...body, secret: 'never leaves' }),
      );
      api.get(
        '/notes/:id',
        { config: { permission: 'bots:read' }, schema: { params: z.object({ id: Id }), response } },
        async (request) => ok({ text: actorOf(request).name }),
      );
      api.delete('/notes/:id', { config: { permission: 'bots:write' }, schema: { response } }, async () =>
        ok({ text: '' }),
      );
      api.get('/me', { config: { permission: 'signed-in' }, schema: { response } }, async () => ok({ text: '' }));
      api.get('/own', { config: { permission: 'signed-in' }, schema: { response } }, async (request) =>
        ok({ text: actorOf(request).name }),
      );
      api.get('/id', { config: isPublic, schema: { response } }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return ok({ text: currentRequestId() ?? '' });
      });
      api.get('/crash', { config: isPublic, schema: { response } }, async () => {
        throw new Error('select * from secrets');
      });
      // The handler is typed against the schema, so a lie needs something the types cannot see.
      api.get('/lie', { config: isPublic, schema: { response } }, async () =>
        ok(JSON.parse('{"text":1}') as { text: string }),
      );
      api.post(
        '/login',
        {
          config: { permission: 'public', limit: 'credentials' },
          schema: { response: { 200: success(z.object({ done: z.literal(true) })) } },
        },
        async () => done(),
      );
      api.post(
        '/files',
        { config: { permission: 'public', body: 'attachment' }, schema: { response } },
        async (request) => {
          return withUpload(request, async ({ name, file }) => ok({ text: `${name} ${file.size}` }));
        },
      );
      api.get('/slow', { config: isPublic, schema: { response } }, async () => {
        await new Promise<void>((resolve) => (slow.end = resolve));
        return ok({ text: 'finished' });
      });
      api.post(
        '/things',
        { config: isPublic, schema: { body: NoteInput, response: { 201: success(Note) } } },
        async ({ body }) => {
          if (body.text === 'crash') throw new Error('it was not made');
          return ok({ text: body.text });
        },
      );
      api.get('/widget/:token', { config: isPublic, schema: { response } }, async () => ok({ text: '' }));
    },
    { prefix: '/api/v1' },
  );
  await http.register(async (scope: Http) => {
    keepRawBodies(scope);
    scope.post('/webhooks/:channel/:token', { config: { body: 'webhook' } }, async ({ body }) =>
      Buffer.isBuffer(body) ? body.toString('hex') : 'none',
    );
  });
  http.get('/widget.js', { config: { embed: 'script' } }, async (_request, reply) =>
    reply.type('text/javascript').send('1'),
  );
  http.get('/chat/:token', { config: { embed: 'page' } }, async (_request, reply) =>
    reply.type('text/html').send('<p>'),
  );
  return http;
};
