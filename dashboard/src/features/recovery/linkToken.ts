/** What a mailed link brings behind the #, where neither a server's log nor a referrer has it. */
export const readLinkToken = (): string | null => /^#token=([\w-]+)$/.exec(location.hash)?.[1] ?? null;

/** It was used: nothing of it stays in the address bar or the history. */
export const dropLinkToken = (): void => history.replaceState(history.state, '', location.pathname);
