import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Bot, Ask, AskInput, Role, ServerEventName, ServerEventPayload } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { io as connectSocket } from 'socket.io-client';
import { createChannelHttp } from '../channels/http.ts';
import { channels } from '../channels/registry.ts';
import { createBotDirectory } from '../features/bots/directory.ts';
import { botRoutes } from '../features/bots/routes.ts';
import { fileRoutes } from '../features/files/routes.ts';
import { createInboxDirectory } from '../features/inboxes/directory.ts';
import { inboxRoutes } from '../features/inboxes/routes.ts';
import { createKnowledgeProcessing } from '../features/knowledge/processors.ts';
import { knowledgeQueue } from '../features/knowledge/queue.ts';
import { knowledgeRoutes } from '../features/knowledge/routes.ts';
import { permissionsOf } from '../features/members/policy.ts';
import { createBundledEmbedder } from '../knowledge/embed.ts';
import { createOutbound } from '../platform/outbound/breaker.ts';
import { createKeyring } from '../platform/security/crypto.ts';
import { createHttp } from '../platform/http/index.ts';
import type { Http } from '../platform/http/index.ts';
import { newId } from '../platform/data/ids.ts';
import { createJobs } from '../platform/jobs/jobs.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { createPublish } from '../platform/publish/publish.ts';
import { createRealtime, rooms } from '../platform/sockets/realtime.ts';
import { redisNamespace } from '../platform/cluster/redis.ts';
import { createStorage } from '../platform/storage/storage.ts';
import { createStore } from '../platform/data/tenant.ts';
import { createWake } from '../platform/cluster/wake.ts';
import { createTestDatabase } from './database.ts';

export type Person = { workspaceId: string; role: Role };
export type Answer<T = unknown> = { status: number; headers: Headers; body: T };

/**
 * Bots, knowledge, inboxes and files over HTTP on a fresh database, without sign-in: a request says who it is in
 * `authorization` (`Person` as JSON), everything behind that is the product's.
 */
export async function startContentApp(options: { telegramUrl?: string } = {}) {
  const data = await createTestDatabase();
  const log = createLogger({ level: process.env.LOG_LEVEL ?? 'silent' });
  const metrics = createMetrics({ defaults: false });
  const store = createStore(data.database);
  const wake = createWake();
  const storage = createStorage({ dataDir: data.config.dataDir }, createOutbound({ log }));
  const keyring = createKeyring({
    secrets: { encryptionKeys: [{ id: 'test', key: randomBytes(32) }], jwtSecret: 'unused' },
  });
  const embedder = createBundledEmbedder();
  const config = { publicUrl: 'https://parley.example.com' };
  const redis = redisNamespace(process.env.TEST_REDIS_URL, newId());
  const jobs = createJobs({ redis, database: data.database, log });
  jobs.define(knowledgeQueue);
  const realtime = createRealtime({ log });
  const { publish } = createPublish({ store, live: realtime.live, wake, metrics, log });
  const processing = createKnowledgeProcessing({
    ...{ store, storage, embedder, publish, log },
    queueOf: jobs.queueOf,
    config: { dataDir: data.config.dataDir },
  });
  const outbound = createOutbound({ log });
  const asked: { workspaceId: string; bot: Bot; input: AskInput }[] = [];

  const http = await createHttp({
    config,
    log,
    metrics,
    limits: { perMinute: 100_000 },
    authenticate: async (request) => {
      if (!request.headers.authorization) return null;
      const { workspaceId, role } = JSON.parse(request.headers.authorization) as Person;
      const permissions = permissionsOf(role);
      return {
        userId: newId(),
        sessionId: newId(),
        name: 'Ada',
        email: 'ada@example.com',
        workspaceId,
        role,
        permissions,
      };
    },
  });
  await http.register(
    async (api: Http) => {
      const ask = async (workspaceId: string, bot: Bot, input: AskInput): Promise<Ask> => {
        asked.push({ workspaceId, bot, input });
        return {
          ...{ answer: 'Yes.', haveEnoughInformation: true, confidence: 0.9, citations: [], traceId: newId() },
          ...{ messages: [], handoff: null, state: input.state },
        };
      };
      botRoutes(api, { store, publish, ask });
      knowledgeRoutes(api, { store, storage, publish, embedder, processing });
      fileRoutes(api, { store, storage });
      inboxRoutes(api, {
        store,
        keyring,
        publish,
        log,
        config,
        channelHttp: ({ channel }) =>
          createChannelHttp({
            channel: channels[channel],
            baseUrl: options.telegramUrl ?? 'http://127.0.0.1:9',
            outbound,
            readFile: () => Promise.reject(new Error('connecting reads no file')),
          }),
      });
    },
    { prefix: '/api/v1' },
  );
  realtime.io.on('connection', (socket) => socket.join(rooms.workspace(String(socket.handshake.auth['workspaceId']))));
  realtime.attach(http.server);
  processing.work();
  await jobs.start();
  await http.listen({ host: '127.0.0.1', port: 0 });
  const address = http.server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const sockets: ReturnType<typeof connectSocket>[] = [];

  async function send<T = unknown>(who: Person, method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const isForm = body instanceof FormData;
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: JSON.stringify(who),
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as T };
  }

  return {
    url,
    config,
    store,
    storage,
    keyring,
    wake,
    embedder,
    processing,
    asked,
    database: data.database,
    bots: createBotDirectory({ store, wake, ttlMs: 300_000 }),
    inboxes: createInboxDirectory({ store, keyring, wake, ttlMs: 300_000 }),
    send,
    /** A new workspace, by its owner. */
    async workspace(): Promise<Person> {
      const workspaceId = newId();
      await store.asSystem((tx) =>
        tx.execute(sql`insert into workspaces (id, name) values (${workspaceId}::uuid, 'Acme')`),
      );
      return { workspaceId, role: 'owner' };
    },
    upload<T = unknown>(who: Person, path: string, file: { name: string; type?: string; content: string | Buffer }) {
      const form = new FormData();
      const bytes = new Uint8Array(Buffer.from(file.content));
      form.append('file', new Blob([bytes], { type: file.type ?? 'application/octet-stream' }), file.name);
      return send<T>(who, 'POST', path, form);
    },
    /** The events of the workspace's room, from now on. */
    async listen<K extends ServerEventName>(who: Person, event: K): Promise<ServerEventPayload<K>[]> {
      const heard: ServerEventPayload<K>[] = [];
      const socket = connectSocket(url, { auth: { workspaceId: who.workspaceId }, transports: ['websocket'] });
      sockets.push(socket);
      const plain: { on(event: string, listener: (payload: ServerEventPayload<K>) => void): unknown } = socket;
      plain.on(event, (payload) => heard.push(payload));
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
      return heard;
    },
    filesFolder: join(data.config.dataDir, 'files'),
    async close() {
      for (const socket of sockets) socket.close();
      await realtime.close();
      await http.close();
      await jobs.close();
      await embedder.close();
      await data.remove();
    },
  };
}
export type ContentApp = Awaited<ReturnType<typeof startContentApp>>;

/** Asks until it is so; far beyond any time it should take, it is not. */
export async function until(condition: () => Promise<boolean> | boolean, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
