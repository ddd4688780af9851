import { defineChange } from '../../platform/publish/change.ts';
import { VISITOR_ENDED } from './topics.ts';

/** Their token is good for nothing any more: their sockets are cut, in every process. */
export const visitorEnded = defineChange<{ visitorId: string }>('visitor ended', {
  publish({ detail: { visitorId } }, { wake }) {
    wake.wake(VISITOR_ENDED, visitorId);
  },
});
