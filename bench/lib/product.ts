/** The product as it is run: processes of its own with roles, an owner who is signed in, and channels to talk to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bot, Inbox } from '@parley/contract';
import { startParley } from '../../server/src/test/process.ts';
import type { ParleyProcess } from '../../server/src/test/process.ts';
import { SECRETS } from '../../server/src/test/servers.ts';
import type { Cluster, Profile } from './profile.ts';

export const owner = { email: 'bench@parley.test', password: 'bench bench bench' };
export const SECRET = 'a-secret-of-the-bench';

export type ProductProcess = ParleyProcess & { roles: string; env: Record<string, string> };

export function createCaller(url: string) {
  let token = '';
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const envelope = (await response.json()) as { success: boolean; data: T; error?: { message: string } };
    if (!envelope.success) throw new Error(`${method} ${path}: ${envelope.error?.message}`);
    return envelope.data;
  };
  return {
    call,
    async signIn(): Promise<string> {
      token = (await call<{ accessToken: string }>('POST', '/auth/login', owner)).accessToken;
      return token;
    },
  };
}

export const clusterSettings = ({
  databaseUrl,
  redisUrl,
}: Pick<Cluster, 'databaseUrl' | 'redisUrl'>): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  ...SECRETS,
});

type Call = ReturnType<typeof createCaller>['call'];

/** A bot with a model that answers at once, on Telegram. */
export async function makeTelegramInbox(
  call: Call,
  url: string,
  botToken: string,
): Promise<{ inbox: Inbox; webhookUrl: string }> {
  const bot = await call<Bot>('POST', '/bots', { name: 'Instant', model: 'openai/instant' });
  const credentials = { botToken, secretToken: SECRET };
  const inbox = await call<Inbox>('POST', '/inboxes', {
    name: 'Bench',
    channel: 'telegram',
    botId: bot.id,
    credentials,
  });
  return { inbox, webhookUrl: `${url}/webhooks/telegram/${inbox.token}` };
}

/** @param roles PARLEY_ROLES of each process; the first serves the API */
export async function startProduct(profile: Profile, roles: string[], env: Record<string, string> = {}) {
  const folders: string[] = [];
  const processes: ProductProcess[] = [];

  async function start(role: string, more: Record<string, string> = {}): Promise<ProductProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
    folders.push(folder);
    const settings = {
      DATA_DIR: folder,
      PORT: '0',
      PARLEY_ROLES: role,
      PARLEY_DEMO: '0',
      PARLEY_OWNER_EMAIL: owner.email,
      PARLEY_OWNER_PASSWORD: owner.password,
      OPENAI_API_KEY: 'bench',
      ...(process.env.BENCH_NODE_OPTIONS ? { NODE_OPTIONS: process.env.BENCH_NODE_OPTIONS } : {}),
      ...(profile.name === 'cluster' ? clusterSettings(profile) : {}),
      ...env,
      ...more,
    };
    const started = { ...(await startParley(settings)), roles: role, env: settings };
    processes.push(started);
    return started;
  }

  for (const role of roles) await start(role);
  const url = processes[0]?.url ?? '';
  const { call, signIn } = createCaller(url);
  const token = await signIn();

  return {
    processes,
    url,
    call,
    token,
    start,
    telegramInbox: (telegram: { token: string }) => makeTelegramInbox(call, url, telegram.token),
    /** Several, since a platform takes only so many messages a second of one bot (30 on Telegram), and Parley keeps to it. */
    async telegramInboxes(telegram: { token: string }, count: number): Promise<string[]> {
      const urls: string[] = [];
      // One bot has one inbox of a workspace.
      const tokenOf = (n: number) => telegram.token.replace(/^\d+/, (id) => String(Number(id) + n));
      while (urls.length < count) urls.push((await makeTelegramInbox(call, url, tokenOf(urls.length + 1))).webhookUrl);
      return urls;
    },
    async webInbox(): Promise<Inbox> {
      const bot = await call<Bot>('POST', '/bots', { name: 'Greeter', model: 'builtin/extractive' });
      return call<Inbox>('POST', '/inboxes', { name: 'Web', channel: 'web', botId: bot.id, credentials: {} });
    },
    async close(): Promise<void> {
      // Asked first: what is profiled writes its profile as it leaves.
      await Promise.all(
        processes.map(async (one) => {
          const late = setTimeout(() => void one.end('SIGKILL'), 15_000);
          await one.end('SIGTERM');
          clearTimeout(late);
        }),
      );
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type Product = Awaited<ReturnType<typeof startProduct>>;
