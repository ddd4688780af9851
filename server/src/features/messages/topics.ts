/** Messages wait for the platform; the key is `workspaceId threadId`. */
export const DELIVERY_DUE = 'delivery';

export type DeliveryKey = { workspaceId: string; threadId: string };

export const writeDeliveryKey = (key: DeliveryKey): string => `${key.workspaceId} ${key.threadId}`;
export const readDeliveryKey = (text: string): DeliveryKey => {
  const [workspaceId = '', threadId = ''] = text.split(' ');
  return { workspaceId, threadId };
};
