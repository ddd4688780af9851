/** Files of a message wait to be fetched; the key is `workspaceId messageId`. */
export const FILES_DUE = 'files';

export type FilesKey = { workspaceId: string; messageId: string };

export const writeFilesKey = (key: FilesKey): string => `${key.workspaceId} ${key.messageId}`;
export const readFilesKey = (text: string): FilesKey => {
  const [workspaceId = '', messageId = ''] = text.split(' ');
  return { workspaceId, messageId };
};

/** Messages wait for the platform; the key is `workspaceId threadId`. */
export const DELIVERY_DUE = 'delivery';

export type DeliveryKey = { workspaceId: string; threadId: string };

export const writeDeliveryKey = (key: DeliveryKey): string => `${key.workspaceId} ${key.threadId}`;
export const readDeliveryKey = (text: string): DeliveryKey => {
  const [workspaceId = '', threadId = ''] = text.split(' ');
  return { workspaceId, threadId };
};
