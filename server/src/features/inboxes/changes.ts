import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';

/** Nothing goes out of it until a person renews the credentials: every colleague is notified. */
export const inboxDisconnected = defineChange<{ name: string; reason: string }>('inbox disconnected', {
  publish({ workspaceId, detail: { name, reason } }, { live }) {
    live.emit(rooms.workspace(workspaceId), 'notification', {
      kind: 'inbox_disconnected',
      title: `${name}: ${reason}`.slice(0, 140),
    });
  },
});
