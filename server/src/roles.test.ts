import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Bot, Inbox } from '@parley/contract';
import { createApp } from './app.ts';
import { createLogger } from './platform/telemetry/log.ts';
import { readConfig } from './settings.ts';
import { createCall, until } from './test/app.ts';
import { startTelegramDouble } from './test/doubles/telegram.ts';
import { copyEmbeddedTemplate } from './test/template.ts';

const SECRET = 'a-secret-of-ours';

describe('roles', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-roles-'));
  before(() => copyEmbeddedTemplate(dataDir));
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  const boot = async (roles: string, telegramUrl: string) => {
    const config = readConfig({
      DATA_DIR: dataDir,
      PORT: '0',
      LOG_LEVEL: 'fatal',
      PARLEY_DEMO: '0',
      PARLEY_OWNER_EMAIL: 'owner@acme.test',
      PARLEY_OWNER_PASSWORD: 'correct horse battery',
      PARLEY_ROLES: roles,
      CHANNEL_TELEGRAM_API_URL: telegramUrl,
    });
    const app = await createApp(config, createLogger(config.log));
    const { address } = await app.start();
    return { app, address };
  };

  it('one process after the other, each doing its part alone: take in, answer, send', async () => {
    const telegram = await startTelegramDouble();
    try {
      const desk = await boot('api', telegram.url);
      const anonymous = createCall(() => desk.address);
      const login = await anonymous<{ accessToken: string }>('POST', '/auth/login', {
        email: 'owner@acme.test',
        password: 'correct horse battery',
      });
      const owner = createCall(() => desk.address, login.data.accessToken);
      const bot = await owner<Bot>('POST', '/bots', { name: 'Robin' });
      const inbox = await owner<Inbox>('POST', '/inboxes', {
        name: 'Telegram',
        channel: 'telegram',
        botId: bot.data.id,
        credentials: { botToken: telegram.token, secretToken: SECRET },
      });
      const posted = await fetch(`${desk.address}/webhooks/telegram/${inbox.data.token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET },
        body: JSON.stringify({
          update_id: 1,
          message: {
            message_id: 1,
            date: 1_700_000_000,
            chat: { id: 77, type: 'private', first_name: 'Juho' },
            from: { id: 77, is_bot: false, first_name: 'Juho', language_code: 'en' },
            text: 'Hello',
          },
        }),
      });
      assert.equal(posted.status, 200);
      await desk.app.close();

      const waiting = async (app: (typeof desk)['app'], text: string): Promise<boolean> =>
        app.database.asOwner(async (client) => (await client.query(text)).rows.length > 0);
      const thinker = await boot('worker:turn', telegram.url);
      await until(
        () => waiting(thinker.app, "select 1 from deliveries where state = 'pending'"),
        'the bot answered without anybody waking it',
      );
      assert.equal(telegram.messages.length, 0);
      assert.equal((await fetch(`${thinker.address}/health/ready`)).status, 200);
      // A worker has no doors besides those of whoever runs it.
      for (const path of ['/api/v1/me', `/webhooks/telegram/${inbox.data.token}`, '/demo', '/socket.io/?EIO=4']) {
        assert.equal((await fetch(thinker.address + path)).status, 404, path);
      }
      await thinker.app.close();

      const sender = await boot('worker:delivery', telegram.url);
      await until(async () => telegram.messages.length > 0, 'the answer was sent without anybody waking it');
      await until(
        () => waiting(sender.app, "select 1 from deliveries where state = 'sent'"),
        'the delivery is marked as sent',
      );
      await sender.app.close();
    } finally {
      await telegram.close();
    }
  });
});
