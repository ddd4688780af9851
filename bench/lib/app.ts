import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bot, Inbox } from '@parley/contract';
import { createApp } from '../../server/src/app.ts';
import { inboxes } from '../../server/src/db/schema/index.ts';
import { readConfig } from '../../server/src/platform/config.ts';
import { createKeyring } from '../../server/src/platform/crypto.ts';
import { newId, newToken } from '../../server/src/platform/ids.ts';
import { createLogger } from '../../server/src/platform/log.ts';

const owner = { email: 'bench@parley.test', password: 'bench bench bench' };
export const SECRET = 'a-secret-of-the-bench';

/** The product in this process, on a fresh database, with one owner. */
export async function startBenchApp(env: Record<string, string> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const config = readConfig({
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'fatal',
    PARLEY_DEMO: '0',
    PARLEY_OWNER_EMAIL: owner.email,
    PARLEY_OWNER_PASSWORD: owner.password,
    ...env,
  });
  const app = await createApp(config, createLogger(config.log), {
    limits: { perMinute: 10_000_000, credentialsPerMinute: 1_000 },
  });
  const { address: url } = await app.start();

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
  const login = await call<{ accessToken: string; workspaceId: string }>('POST', '/auth/login', owner);
  token = login.accessToken;

  return {
    app,
    url,
    call,
    workspaceId: login.workspaceId,
    async telegramInbox(
      botToken: string,
      bot: Record<string, unknown>,
    ): Promise<{ inbox: Inbox; webhookUrl: string; bot: Bot }> {
      const made = await call<Bot>('POST', '/bots', bot);
      const inbox = await call<Inbox>('POST', '/inboxes', {
        name: 'Bench',
        channel: 'telegram',
        botId: made.id,
        credentials: { botToken, secretToken: SECRET },
      });
      return { inbox, webhookUrl: `${url}/webhooks/telegram/${inbox.token}`, bot: made };
    },
    /** A Telegram inbox whose platform was never asked: for what only receives. */
    async plainTelegramInbox(botId: string): Promise<string> {
      const id = newId();
      const token = newToken();
      const sealed = createKeyring(config).encrypt(
        JSON.stringify({ botToken: '7000000001:AAH-token-of-the-bench-only_01234567890', secretToken: SECRET }),
        id,
      );
      await app.store.inWorkspace(login.workspaceId, (tx) =>
        tx.insert(inboxes).values({
          id,
          workspaceId: login.workspaceId,
          name: 'Bench',
          channel: 'telegram',
          botId,
          token,
          credentials: sealed,
        }),
      );
      return `${url}/webhooks/telegram/${token}`;
    },
    async close(): Promise<void> {
      await app.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** One committed row in a table that is nothing but a key and a text: the least a database can be asked to keep. */
export async function timeBareInsert(
  pool: { query(text: string, values?: unknown[]): Promise<unknown> },
  count: number,
): Promise<number[]> {
  const durations: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    await pool.query('insert into bench_bare (id, text) values ($1, $2)', [index, 'one bare row']);
    durations.push(performance.now() - started);
  }
  return durations;
}
