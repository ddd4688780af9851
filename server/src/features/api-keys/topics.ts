/** Woken after a commit with the key's id: it opens nothing any more, in any process. */
export const API_KEY_REVOKED = 'api-key:revoked';
