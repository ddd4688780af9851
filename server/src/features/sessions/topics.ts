/** Woken with the id of a session after it was revoked: its sockets have to be cut. */
export const SESSION_REVOKED = 'session:revoked';
