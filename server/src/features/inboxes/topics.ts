/** Woken with the inbox's id after the commit of every change of it. */
export const INBOX_CHANGED = 'inbox:changed';
