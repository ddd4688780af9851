/** The conversation is no longer the bot's: its running turn stops. The key is the conversation's id. */
export const BOT_INTERRUPTED = 'conversation:bot-interrupted';
