import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Acknowledgement, ServerEventName, ServerEventPayload } from '@parley/contract';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { createApp } from '../app.ts';
import type { App, AppOptions } from '../app.ts';
import type { Feature } from '../feature.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { readConfig } from '../settings.ts';
import { createMigratedDatabase, SECRETS } from './servers.ts';
import { copyEmbeddedTemplate } from './template.ts';

export const OWNER = { email: 'owner@acme.test', password: 'correct horse battery' };

export type Answer<T = unknown> = {
  status: number;
  headers: Headers;
  success: boolean;
  data: T;
  error?: { code: string; message: string; details?: { field: string }[] };
  meta?: Record<string, unknown>;
};
export type Call = <T = unknown>(method: string, path: string, body?: unknown) => Promise<Answer<T>>;

export type TestApp = {
  app: App;
  url: string;
  dataDir: string;
  /** calls as nobody, with paths under /api/v1 */
  anonymous: Call;
  /** calls as the owner of the first workspace */
  owner: Call;
  ownerToken: string;
  as(accessToken: string): Call;
  /** Another workspace of another owner. */
  stranger(): Promise<{ call: Call; token: string }>;
  /** Stops as on SIGTERM and starts again on the same data, with what is to be different from now on. */
  restart(changes?: { env?: Record<string, string>; features?: Feature[] }): Promise<void>;
  close(): Promise<void>;
};

const server = process.env.TEST_DATABASE_URL;
const redisUrl = process.env.TEST_REDIS_URL;

/** Takes away what an installation that is gone left in Redis: nobody else's keys start like its. */
export async function forgetInRedis(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for await (const found of redis.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
      const keys = z.array(z.string()).parse(found);
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } finally {
    redis.disconnect();
  }
}

/** A caller over real HTTP, with the envelope laid open. */
export function createCall(base: () => string, token?: string): Call {
  return async <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> => {
    const isForm = body instanceof FormData;
    const response = await fetch(
      /^\/webhooks\/[a-z]+\//.test(path) || path.startsWith('/health') ? base() + path : `${base()}/api/v1${path}`,
      {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: isForm ? body : typeof body === 'string' ? body : JSON.stringify(body) }),
      },
    );
    const text = await response.text();
    const envelope = text.startsWith('{') ? (JSON.parse(text) as Answer<T>) : ({} as Answer<T>);
    return { ...envelope, status: response.status, headers: response.headers };
  };
}

/**
 * The whole product on a fresh database: the embedded one, or a database of its own on TEST_DATABASE_URL; with
 * TEST_REDIS_URL it uses that Redis, where its installation has keys of its own. Requests go over real sockets on the
 * loopback.
 */
export async function startTestApp(
  env: Record<string, string> = {},
  {
    writeLog,
    ...options
  }: Pick<AppOptions, 'pace' | 'print' | 'signals' | 'features'> & { writeLog?: (line: string) => void } = {},
): Promise<TestApp> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-app-'));
  const own = server ? await createMigratedDatabase(server, 'test') : undefined;
  // With Redis every installation needs an id of its own, which a copy has not.
  if (!own && !redisUrl) await copyEmbeddedTemplate(dataDir);
  const settings = {
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
    PARLEY_DEMO: '0',
    // Every stranger is the owner in another workspace.
    PARLEY_WORKSPACES_PER_PERSON: '1000',
    PARLEY_OWNER_EMAIL: OWNER.email,
    PARLEY_OWNER_PASSWORD: OWNER.password,
    ...(own ? { DATABASE_URL: own.url, ...SECRETS } : {}),
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
    ...env,
  };
  const limits = { perMinute: 1_000_000, credentialsPerMinute: 1_000_000, personPerMinute: 1_000_000 };

  let url = '';
  const boot = async (): Promise<App> => {
    const config = readConfig(settings);
    const app = await createApp(config, createLogger(config.log, writeLog && { write: writeLog }), {
      limits,
      ...options,
    });
    url = (await app.start()).address;
    return app;
  };
  let app = await boot();
  const anonymous = createCall(() => url);
  const login = async (credentials: { email: string; password: string }): Promise<string> => {
    const answer = await anonymous<{ accessToken: string }>('POST', '/auth/login', credentials);
    assert.equal(answer.status, 200, JSON.stringify(answer.error));
    return answer.data.accessToken;
  };
  const ownerToken = env.PARLEY_OWNER_EMAIL === '' ? '' : await login(OWNER);

  return {
    get app() {
      return app;
    },
    get url() {
      return url;
    },
    dataDir,
    anonymous,
    ownerToken,
    owner: createCall(() => url, ownerToken),
    as: (token) => createCall(() => url, token),
    async stranger() {
      const made = await createCall(() => url, ownerToken)<{ id: string }>('POST', '/workspaces', {
        name: 'Strangers',
      });
      const switched = await createCall(() => url, ownerToken)<{ accessToken: string }>('POST', '/auth/switch', {
        workspaceId: made.data.id,
      });
      assert.equal(switched.status, 200, JSON.stringify(switched.error));
      return { call: createCall(() => url, switched.data.accessToken), token: switched.data.accessToken };
    },
    async restart({ env: changed = {}, features } = {}) {
      await app.close();
      Object.assign(settings, changed);
      if (features) options.features = features;
      app = await boot();
    },
    async close() {
      const { redis } = app;
      await app.close();
      if (redis) await forgetInRedis(redis.url, redis.prefix);
      await own?.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export type TestSocket = {
  socket: Socket;
  call<T = unknown>(event: string, payload?: unknown): Promise<Acknowledgement<T>>;
  /** The first event, past or coming, that fits. */
  wait<K extends ServerEventName>(
    event: K,
    fits?: (payload: ServerEventPayload<K>) => boolean,
  ): Promise<ServerEventPayload<K>>;
  seen<K extends ServerEventName>(event: K): ServerEventPayload<K>[];
  close(): void;
};

/** A connected client of the socket protocol that remembers what it was told. */
export async function connect(
  url: string,
  auth: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<TestSocket> {
  const socket = io(url, { auth, transports: ['websocket'], reconnection: false, extraHeaders: headers });
  const log: { event: string; payload: unknown }[] = [];
  const waiting = new Set<() => void>();
  socket.onAny((event: string, payload: unknown) => {
    log.push({ event, payload });
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error) => {
      socket.close();
      reject(error);
    });
  });
  const seen = <K extends ServerEventName>(event: K) =>
    log.filter((entry) => entry.event === event).map((entry) => entry.payload as ServerEventPayload<K>);
  return {
    socket,
    seen,
    call: (event, payload = {}) => socket.timeout(15_000).emitWithAck(event, payload),
    wait: (event, fits = () => true) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no ${event} came; seen: ${log.map((entry) => entry.event).join(', ')}`));
        }, 20_000);
        const look = () => {
          const found = seen(event).find(fits);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () => socket.close(),
  };
}

export { until } from './until.ts';
