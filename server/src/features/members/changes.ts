import type { Presence } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { MEMBERSHIP_CHANGED, membershipKey } from './topics.ts';

export const presenceChanged = defineChange<{ userId: string; presence: Presence }>('presence changed', {
  publish({ workspaceId, detail }, { live }) {
    live.emit(rooms.workspace(workspaceId), 'presence:changed', detail);
  },
});

/** Their role is another, or they left: what they may do is looked up again, and their sockets are cut, in every process. */
export const membershipChanged = defineChange<{ userId: string }>('membership changed', {
  publish({ workspaceId, detail: { userId } }, { wake }) {
    wake.wake(MEMBERSHIP_CHANGED, membershipKey(workspaceId, userId));
  },
});
