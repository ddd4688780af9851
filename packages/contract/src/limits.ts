/**
 * How much of what may come in, in bytes unless it says otherwise: one place for the server, the dashboard and the widget.
 * No imports, so that a bundle which needs a number gets nothing else with it.
 */

const KB = 1024;
const MB = 1024 * KB;

export const MAX_CREDENTIALS_BYTES = 64 * KB;
export const MAX_JSON_BYTES = MB;
export const MAX_IMPORT_BYTES = 10 * MB;
export const MAX_ATTACHMENT_BYTES = 25 * MB;
/** in MB, unless the operator sets MAX_DOCUMENT_MB */
export const MAX_DOCUMENT_MB = 50;
export const MAX_WEBHOOK_BYTES = 10 * MB;
/** a mail with its files, as a provider posts it */
export const MAX_MAIL_WEBHOOK_BYTES = 50 * MB;
/** one packet of a socket: a message of 100 000 characters in four-byte UTF-8, with room for its frame */
export const MAX_SOCKET_BYTES = 1_000_000;

/** levels of objects and lists inside each other */
export const MAX_JSON_DEPTH = 32;
/** keys and list items together */
export const MAX_JSON_VALUES = 10_000;
export const MAX_IMPORT_VALUES = 500_000;

/** An error names so many wrong fields, in no more bytes: the whole answer stays below 2 kB. */
export const MAX_DETAILS = 10;
export const MAX_DETAILS_BYTES = 1_400;
