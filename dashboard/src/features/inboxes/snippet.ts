import type { Inbox } from '@parley/contract';

/** The line for a customer's page. The server's public address wins over the one this dashboard was opened by. */
export function snippetFor(inbox: Pick<Inbox, 'token' | 'chatUrl'>, here: string): string {
  const origin = inbox.chatUrl && URL.canParse(inbox.chatUrl) ? new URL(inbox.chatUrl).origin : here;
  return `<script src="${origin}/widget.js" data-inbox="${inbox.token}" async></script>`;
}
