import type { Bot } from '@parley/contract';
import { createCache } from '../../platform/limits/cache.ts';
import { AppError } from '../../platform/errors.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import type { Wake } from '../../platform/cluster/wake.ts';
import { findBot } from './queries.ts';
import { BOT_CHANGED, botKey } from './topics.ts';

export type BotDirectory = {
  /** The bot, or null when it is not there, deleted, or of another workspace. */
  byId(workspaceId: string, botId: string): Promise<Bot | null>;
  forget(workspaceId: string, botId: string): void;
};

/** Bots for the path of a message: read once in `ttlMs` milliseconds, or again after a change. */
export function createBotDirectory(parts: { store: Store; wake: Wake; ttlMs: number }): BotDirectory {
  const { store, wake, ttlMs } = parts;
  const known = createCache<{ bot: Bot | null }>({ max: 5_000, ttlMs });
  wake.on(BOT_CHANGED, (key) => known.delete(key));
  wake.on(RESYNC, () => known.clear());

  return {
    async byId(workspaceId, botId) {
      const { bot } = await known.load(botKey(workspaceId, botId), async () => {
        try {
          return { bot: await store.inWorkspace(workspaceId, (tx) => findBot(tx, botId)) };
        } catch (error) {
          if (error instanceof AppError && error.status === 404) return { bot: null };
          throw error;
        }
      });
      return bot;
    },
    forget: (workspaceId, botId) => known.delete(botKey(workspaceId, botId)),
  };
}
