/** Woken after the commit of every change of a workspace's webhooks, with the workspace's id. */
export const WEBHOOKS_CHANGED = 'webhooks:changed';
