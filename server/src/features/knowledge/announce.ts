import type { Source } from '@parley/contract';
import { rooms } from '../../platform/realtime.ts';
import type { Live } from '../../platform/realtime.ts';

/** A source in the lists of every colleague; called after the commit. */
export function announceSource(live: Live, workspaceId: string, source: Source): void {
  live.emit(rooms.workspace(workspaceId), 'source:updated', source);
}
