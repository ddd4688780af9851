import multipart from '@fastify/multipart';
import { MAX_UPLOAD_BYTES } from '@parley/contract';
import type { FastifyRequest } from 'fastify';
import { AppError, badRequest, tooLarge } from '../errors.ts';
import type { Http } from './types.ts';

/** `mime` is what the sender says; nothing may be decided by it alone. `fields` are the text parts before the file. */
export type Upload = { name: string; mime: string; bytes: Buffer; fields: Record<string, string> };

export const acceptUploads = async (http: Http): Promise<void> => {
  await http.register(multipart, {
    limits: { fileSize: MAX_UPLOAD_BYTES, files: 1, fields: 20, fieldSize: 64 * 1024, headerPairs: 50, parts: 21 },
    throwFileSizeLimit: true,
  });
};

const textFields = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, part]) =>
      typeof part === 'object' && part !== null && 'value' in part && typeof part.value === 'string'
        ? [[name, part.value]]
        : [],
    ),
  );

/**
 * The one file of a multipart request, whole, at most 10 MB.
 *
 * @throws badRequest when the request is not multipart (whatever its body claims to be) or has no file in `file`;
 *   tooLarge for a file over the limit
 */
export const readUpload = async (request: FastifyRequest): Promise<Upload> => {
  if (!request.isMultipart()) throw badRequest('Send the file as multipart/form-data in the field "file".');
  try {
    const part = await request.file();
    if (!part || part.fieldname !== 'file' || !part.filename) {
      throw badRequest('Send the file in the field "file".', [{ field: 'file', message: 'is missing' }]);
    }
    const bytes = await part.toBuffer();
    // The parser looks while chunks arrive and misses a cut that falls between two of them.
    if (part.file.truncated) throw tooLarge();
    return { name: part.filename, mime: part.mimetype, bytes, fields: textFields(part.fields) };
  } catch (error) {
    // The parser's own errors have no status: no boundary, an end too early. All of them are the sender's.
    const known = error instanceof AppError || (error instanceof Error && 'statusCode' in error);
    throw known ? error : badRequest('The multipart body could not be read.');
  }
};
