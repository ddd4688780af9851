import assert from 'node:assert/strict';
import { Failure, InvitationCreated, Login } from '@parley/contract';
import type { Role } from '@parley/contract';
import type { InjectOptions } from 'fastify';
import { z } from 'zod';
import { createHttp } from '../../platform/http/index.ts';
import type { Http, Limits } from '../../platform/http/index.ts';
import { createLogger } from '../../platform/telemetry/log.ts';
import { createMetrics } from '../../platform/telemetry/metrics.ts';
import { createPasswords } from '../../platform/security/password.ts';
import { localLimits } from '../../platform/limits/limiter.ts';
import { createPublish } from '../../platform/publish/publish.ts';
import { createRealtime } from '../../platform/sockets/realtime.ts';
import { createStore } from '../../platform/data/tenant.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { createWake } from '../../platform/cluster/wake.ts';
import type { Wake } from '../../platform/cluster/wake.ts';
import { readConfig } from '../../settings.ts';
import { createTestDatabase } from '../../test/database.ts';
import { noMail } from '../mail/commands.ts';
import { apiKeyRoutes } from '../api-keys/routes.ts';
import { memberRoutes } from '../members/routes.ts';
import { workspaceRoutes } from '../workspaces/routes.ts';
import { createAccount } from './account.ts';
import { accountRoutes } from './account-routes.ts';
import { createAccess } from './access.ts';
import { createAskForAddress } from './address.ts';
import { createDevices } from './device.ts';
import { meRoutes } from './me-routes.ts';
import { sessionRoutes } from './routes.ts';
import { ensureSetup } from './setup.ts';
import { createSignIn } from './sign-in.ts';
import { createThrottle } from './throttle.ts';
import { createAccessTokens } from './tokens.ts';

export type Answer = { status: number; headers: Record<string, unknown>; body: unknown };
export type People = {
  http: Http;
  store: Store;
  /** how often the database was asked on behalf of nobody yet */
  looks(): number;
  wake: Wake;
  jwtSecret: string;
  /** What a start of the process does. */
  setup(owner?: { email: string; password: string }): ReturnType<typeof ensureSetup>;
  call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, options?: CallOptions): Promise<Answer>;
  /** Forgets everybody and everything. */
  empty(): Promise<void>;
  /** A colleague invited by `by` into the workspace of its token, signed in there. */
  join(by: Login, email: string, role: Role): Promise<Login>;
  close(): Promise<void>;
};
export type CallOptions = { as?: Pick<Login, 'accessToken'> | string; body?: object | string; from?: string };

/** The data of an answer that has to be a success. */
export const dataOf = <T>(answer: Answer, schema: z.ZodType<T>): T => {
  assert.ok(answer.status === 200 || answer.status === 201, JSON.stringify(answer.body));
  return schema.parse(z.object({ success: z.literal(true), data: z.unknown() }).parse(answer.body).data);
};

/** "404 not_found": the status and the code of an answer that has to be a failure in the envelope. */
export const failureOf = (answer: Answer): string => `${answer.status} ${Failure.parse(answer.body).error.code}`;

export const PASSWORD = 'correct horse battery';

/** The people features alone, over HTTP, on a fresh database. */
export const startPeople = async (limits: Partial<Limits> = { credentialsPerMinute: 10_000 }): Promise<People> => {
  const test = await createTestDatabase();
  const config = readConfig({ DATA_DIR: test.config.dataDir, PARLEY_DEMO: '0', LOG_LEVEL: 'fatal' });
  const log = createLogger(config.log);
  const metrics = createMetrics({ defaults: false });
  const inner = createStore(test.database);
  let looks = 0;
  const store: Store = {
    ...inner,
    asSystem(work) {
      looks += 1;
      return inner.asSystem(work);
    },
  };
  const wake = createWake();
  const passwords = createPasswords();
  const tokens = createAccessTokens(config.secrets.jwtSecret);
  const access = createAccess({ store, wake, tokens });
  const throttle = createThrottle(localLimits, { canMail: false });
  const askForAddress = createAskForAddress({ store, throttle });
  const account = createAccount({ store, passwords, access, throttle, askForAddress, log });
  const signIn = createSignIn({
    store,
    passwords,
    tokens,
    access,
    throttle,
    devices: createDevices({ jwtSecret: config.secrets.jwtSecret, publicUrl: config.publicUrl }),
    mail: noMail,
    arrive: async () => [],
    publicUrl: config.publicUrl,
    log,
  });
  const realtime = createRealtime({ log });
  const { publish } = createPublish({ store, live: realtime.live, wake, metrics, log });
  const http = await createHttp({ config, log, metrics, limits, authenticate: access.authenticate });
  await http.register(
    async (api: Http) => {
      sessionRoutes(api, { store, signIn });
      meRoutes(api, { store, publish, account });
      accountRoutes(api, { store, account });
      workspaceRoutes(api, { store, perPerson: 20 });
      apiKeyRoutes(api, { store, publish });
      memberRoutes(api, { store, publish, config, mail: noMail, makeLimiter: localLimits });
    },
    { prefix: '/api/v1' },
  );

  const call: People['call'] = async (method, url, { as, body, from } = {}) => {
    const token = typeof as === 'string' ? as : as?.accessToken;
    const options: InjectOptions = {
      method,
      url: `/api/v1${url}`,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: body }),
      ...(from ? { remoteAddress: from } : {}),
    };
    const response = await http.inject(options);
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  };

  return {
    http,
    store,
    looks: () => looks,
    wake,
    jwtSecret: config.secrets.jwtSecret,
    call,
    setup: (owner) => ensureSetup({ store, passwords, publicUrl: config.publicUrl, owner }),
    empty: () =>
      test.database.asOwner(
        async (client) => void (await client.query('truncate users, workspaces, one_time_tokens cascade')),
      ),
    join: async (by, email, role) => {
      const invited = await call('POST', '/members/invite', { as: by, body: { email, role } });
      const { inviteUrl } = dataOf(invited, InvitationCreated);
      const token = new URL(inviteUrl).searchParams.get('token');
      const name = email.split('@')[0];
      return dataOf(await call('POST', '/auth/accept-invite', { body: { token, name, password: PASSWORD } }), Login);
    },
    close: async () => {
      access.close();
      await http.close();
      await test.remove();
    },
  };
};

/** The first owner, by the link. */
export const becomeOwner = async (people: People, email = 'owner@acme.test'): Promise<Login> => {
  const setup = await people.setup();
  assert.equal(setup.state, 'link');
  const token = setup.state === 'link' ? new URL(setup.url).searchParams.get('token') : null;
  const body = { token, email, name: 'Olga Owner', password: PASSWORD, workspaceName: 'Acme' };
  return dataOf(await people.call('POST', '/auth/setup', { body }), Login);
};
