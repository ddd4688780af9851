import { fileTypeFromBuffer } from 'file-type';

/** Enough for every signature; a file is never read whole to guess what it is. */
const SNIFFED = 64 * 1024;
const UNKNOWN = 'application/octet-stream';

/** Types a browser would run or render as a page, whatever they are called. */
const isActive = (mime: string): boolean =>
  /^(text\/(html|xml|javascript)|application\/(xml|javascript|ecmascript)|multipart\/.+|.+\+xml)$/.test(mime);

function isText(bytes: Uint8Array): boolean {
  try {
    // A letter cut in two at the end of the sample is no sign of binary data, hence `stream`.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, SNIFFED), { stream: true });
    return !/[^\P{Cc}\s]/v.test(text);
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/**
 * What a file is by its bytes; the sender's word counts for nothing (attack 22). HTML, SVG and other XML are text: they
 * are never served as what a browser would run.
 */
export async function sniffMime(bytes: Uint8Array): Promise<string> {
  const found = await fileTypeFromBuffer(bytes.subarray(0, SNIFFED));
  if (found && !isActive(found.mime)) return found.mime;
  return found || (bytes.length > 0 && isText(bytes)) ? 'text/plain' : UNKNOWN;
}
