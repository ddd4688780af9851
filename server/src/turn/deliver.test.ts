import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Channel } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import { writeDeliveryKey } from '../features/messages/topics.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { openTelegram } from '../test/talk.ts';
import { createDelivery } from './deliver.ts';

/** One at once and one in each second: of six that are due together some are put off. */
const slow: Channel = { ...channels.telegram, limits: { ...channels.telegram.limits, perSecond: 1 } };
const CHATS = [1, 2, 3, 4, 5, 6];

describe('more than a platform takes at once', () => {
  let test: TestApp;
  let telegram: TelegramDouble;

  before(async () => {
    telegram = await startTelegramDouble();
    // This process stores and answers; the test delivers.
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url, PARLEY_ROLES: 'api,worker:turn' });
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  it('is put off without an attempt being used up, and arrives once', async () => {
    const chat = await openTelegram(test, telegram, null);
    const workspaceId = (await test.app.kit.inboxes.byToken(chat.inbox.token))?.workspaceId ?? '';
    const deliveries = () =>
      test.app.store.once<{ state: string; attempts: number; error: string | null }>(
        workspaceId,
        sql`select state, attempts, error from deliveries order by seq`,
      );
    for (const n of CHATS) await chat.say(n, 'Is somebody there?');
    await until(async () => (await deliveries()).length === CHATS.length, 'each chat has its closing text');
    assert.ok((await deliveries()).every(({ attempts }) => attempts === 0));

    const { kit } = test.app;
    const delivery = createDelivery({
      ...kit,
      log: createLogger({ level: 'silent' }),
      clientOf: async (inbox) => ({
        channel: slow,
        http: kit.channelClient(inbox),
        credentials: inbox.credentials,
      }),
    });
    const { rows } = await test.app.store.inWorkspace(workspaceId, (tx) =>
      tx.execute<{ thread_id: string }>(sql`select thread_id from deliveries`),
    );
    for (const { thread_id: threadId } of rows) void delivery.run(writeDeliveryKey({ workspaceId, threadId }));
    const putOff = await until(async () => {
      const waiting = (await deliveries()).filter(({ error }) => error?.startsWith('More is sent than'));
      return waiting.length > 0 && waiting;
    }, 'some are put off');
    for (const one of putOff) assert.deepEqual([one.state, one.attempts], ['pending', 0]);

    await until(async () => (await deliveries()).every(({ state }) => state === 'sent'), 'all are sent');
    assert.deepEqual(
      (await deliveries()).map(({ attempts }) => attempts),
      CHATS.map(() => 1),
    );
    for (const n of CHATS) assert.equal(chat.heard(n).length, 1);
    await delivery.close();
  });
});
