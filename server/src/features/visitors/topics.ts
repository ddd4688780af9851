/** Woken with the id of a visitor after they ended: their sockets have to be cut. */
export const VISITOR_ENDED = 'visitor:ended';
