/** Woken after the commit of every change of a bot, or of which knowledge it reads. */
export const BOT_CHANGED = 'bot:changed';

export const botKey = (workspaceId: string, botId: string): string => `${workspaceId} ${botId}`;
