import type { SQL } from 'drizzle-orm';
import { startTestApp } from './app.ts';
import { startOpenAiDouble } from './doubles/openai.ts';
import { startTelegramDouble } from './doubles/telegram.ts';
import { makeBot, openTelegram, says } from './talk.ts';

export type TelegramCompany = Awaited<ReturnType<typeof openTelegramCompany>>;

/** A Parley whose bot answers "Noted." on Telegram, with doubles of the platform and the model. */
export async function openTelegramCompany() {
  const [telegram, model] = await Promise.all([startTelegramDouble(), startOpenAiDouble()]);
  const test = await startTestApp(
    { CHANNEL_TELEGRAM_API_URL: telegram.url, OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'key' },
    { pace: { roundRetryMs: 10 } },
  );
  const bot = await makeBot(test, { name: 'Robin', model: 'openai/gpt-double', greeting: 'Welcome to Acme!' });
  const chat = await openTelegram(test, telegram, bot.id);
  const { rows } = await test.app.database.asOwner((client) =>
    client.query<{ workspace_id: string }>('select workspace_id from inboxes where id = $1', [chat.inbox.id]),
  );
  const workspaceId = rows[0]?.workspace_id ?? '';
  model.otherwise(says('Noted.'));
  return {
    ...{ test, telegram, model, chat, workspaceId },
    /** One statement inside of the workspace. */
    run: <Row extends Record<string, unknown>>(query: SQL): Promise<Row[]> =>
      test.app.store.once<Row>(workspaceId, query),
    async close(): Promise<void> {
      await test.close();
      await Promise.all([telegram.close(), model.close()]);
    },
  };
}
