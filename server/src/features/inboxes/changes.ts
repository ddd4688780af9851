import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { INBOX_CHANGED } from './topics.ts';

/** Nothing goes out of it until a person renews the credentials: every colleague is notified. */
export const inboxDisconnected = defineChange<{ name: string; reason: string }>('inbox disconnected', {
  publish({ workspaceId, detail: { name, reason } }, { live }) {
    live.emit(rooms.workspace(workspaceId), 'notification', {
      kind: 'inbox_disconnected',
      title: `${name}: ${reason}`.slice(0, 140),
    });
  },
});

/** An inbox, its credentials or its bot: every process looks again, and listens with what it finds. */
export const inboxChanged = defineChange<{ inboxId: string }>('inbox changed', {
  publish({ detail: { inboxId } }, { wake }) {
    wake.wake(INBOX_CHANGED, inboxId);
  },
});
