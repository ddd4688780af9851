import type { Presence } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';

export const presenceChanged = defineChange<{ userId: string; presence: Presence }>('presence changed', {
  publish({ workspaceId, detail }, { live }) {
    live.emit(rooms.workspace(workspaceId), 'presence:changed', detail);
  },
});
