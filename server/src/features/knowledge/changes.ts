import type { Source } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';

/** A source, in the lists of every colleague. */
export const sourceChanged = defineChange<Source>('source changed', {
  publish({ workspaceId, detail }, { live }) {
    live.emit(rooms.workspace(workspaceId), 'source:updated', detail);
  },
});
