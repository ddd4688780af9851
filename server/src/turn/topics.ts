/** The bells of the path (platform/wake.ts) and their keys. */

/** Pending inbound events of a platform thread. */
export const THREAD = 'thread';
/** Messages waiting for the platform; the key is `workspaceId threadId`. */
export const DELIVERY = 'delivery';
/** A human took the conversation: the bot's running turn stops. The key is the conversation's id. */
export const TAKEN_OVER = 'conversation:taken-over';

export type ThreadKey = { workspaceId: string; inboxId: string; threadKey: string };

export const writeThreadKey = (key: ThreadKey): string => `${key.workspaceId} ${key.inboxId} ${key.threadKey}`;
export const readThreadKey = (text: string): ThreadKey => {
  const [workspaceId = '', inboxId = '', ...rest] = text.split(' ');
  return { workspaceId, inboxId, threadKey: rest.join(' ') };
};

export type LaneKey = { workspaceId: string; threadId: string };
export const writeLaneKey = (key: LaneKey): string => `${key.workspaceId} ${key.threadId}`;
export const readLaneKey = (text: string): LaneKey => {
  const [workspaceId = '', threadId = ''] = text.split(' ');
  return { workspaceId, threadId };
};
