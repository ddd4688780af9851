import { defineChange } from '../../platform/publish/change.ts';
import { API_KEY_REVOKED } from './topics.ts';

/** It opens nothing any more: what was opened with it is cut, in every process. */
export const apiKeyRevoked = defineChange<{ keyId: string }>('api key revoked', {
  publish({ detail: { keyId } }, { wake }) {
    wake.wake(API_KEY_REVOKED, keyId);
  },
});
