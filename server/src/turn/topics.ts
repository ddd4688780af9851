/** What the path is woken for (platform/cluster/wake.ts), and the keys. */

/** Pending inbound events of a platform thread. */
export const THREAD = 'thread';
export type ThreadKey = { workspaceId: string; inboxId: string; threadKey: string };

export const writeThreadKey = (key: ThreadKey): string => `${key.workspaceId} ${key.inboxId} ${key.threadKey}`;
export const readThreadKey = (text: string): ThreadKey => {
  const [workspaceId = '', inboxId = '', ...rest] = text.split(' ');
  return { workspaceId, inboxId, threadKey: rest.join(' ') };
};
