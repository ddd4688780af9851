import { defineChange } from '../../platform/publish/change.ts';
import { BOT_CHANGED, botKey } from './topics.ts';

/** A bot is another, or which knowledge it reads: every process looks again. */
export const botChanged = defineChange<{ botId: string }>('bot changed', {
  publish({ workspaceId, detail: { botId } }, { wake }) {
    wake.wake(BOT_CHANGED, botKey(workspaceId, botId));
  },
});
