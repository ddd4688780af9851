import { defineChange } from '../../platform/publish/change.ts';
import { WEBHOOKS_CHANGED } from './topics.ts';

/** Which endpoints there are, or what they listen to: every process looks again. */
export const webhooksChanged = defineChange<void>('webhooks changed', {
  publish({ workspaceId }, { wake }) {
    wake.wake(WEBHOOKS_CHANGED, workspaceId);
  },
});
