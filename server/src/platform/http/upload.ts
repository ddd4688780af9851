import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { AppError, badRequest, tooLarge } from '../errors.ts';
import { newToken } from '../data/ids.ts';
import type { LocalFile } from '../storage/storage.ts';
import type { Http } from './types.ts';

/** `mime` is what the sender says; nothing may be decided by it alone. `fields` are the text parts before the file. */
export type Upload = { name: string; mime: string; file: LocalFile; fields: Record<string, string> };

const HEAD_BYTES = 64 * 1024;
/** For the other fields and the lines between the parts. */
const AROUND_BYTES = 64 * 1024;
const ABANDONED_MS = 3_600_000;

/** Uploads pass through `folder`, on the disk and not in memory. What a crash left there is removed. */
export const acceptUploads = async (http: Http, folder: string): Promise<void> => {
  http.decorate('uploadFolder', folder);
  await http.register(multipart, {
    limits: { files: 1, fields: 20, fieldSize: 16 * 1024, headerPairs: 50, parts: 21 },
    throwFileSizeLimit: true,
  });
  http.addHook('onReady', () => removeAbandoned(folder));
};

async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const path of names.map((name) => join(folder, name))) {
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

const textFields = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, part]) =>
      typeof part === 'object' && part !== null && 'value' in part && typeof part.value === 'string'
        ? [[name, part.value]]
        : [],
    ),
  );

async function keep(source: Readable, path: string): Promise<LocalFile> {
  const hash = createHash('sha256');
  const head: Buffer[] = [];
  let size = 0;
  async function* look(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      if (size < HEAD_BYTES) head.push(chunk.subarray(0, HEAD_BYTES - size));
      size += chunk.length;
      yield chunk;
    }
  }
  await pipeline(source, look, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  return { path, size, sha256: hash.digest('hex'), head: Buffer.concat(head) };
}

async function receive(request: FastifyRequest, limit: number, path: string): Promise<Upload> {
  try {
    const part = await request.file({ limits: { fileSize: limit } });
    if (!part || part.fieldname !== 'file' || !part.filename) {
      throw badRequest('Send the file in the field "file".', [{ field: 'file', message: 'is missing' }]);
    }
    const file = await keep(part.file, path);
    // The parser looks while chunks arrive and misses a cut that falls between two of them.
    if (part.file.truncated) throw tooLarge();
    return { name: part.filename, mime: part.mimetype, file, fields: textFields(part.fields) };
  } catch (error) {
    // The parser's own errors have no status: no boundary, an end too early. All of them are the sender's.
    const known = error instanceof AppError || (error instanceof Error && ('statusCode' in error || 'errno' in error));
    throw known ? error : badRequest('The multipart body could not be read.');
  }
}

/**
 * The one file of a multipart request, on the disk for as long as `use` takes, of at most what the route's `body` allows.
 *
 * @throws badRequest when the request is not multipart (whatever its body claims to be) or has no file in `file`;
 *   tooLarge for a file over the limit
 */
export const withUpload = async <T>(request: FastifyRequest, use: (upload: Upload) => Promise<T>): Promise<T> => {
  const { bodyLimits, uploadFolder } = request.server;
  const limit = bodyLimits[request.routeOptions.config.body ?? 'attachment'];
  if (!request.isMultipart()) throw badRequest('Send the file as multipart/form-data in the field "file".');
  if (Number(request.headers['content-length']) > limit + AROUND_BYTES) throw tooLarge();
  await mkdir(uploadFolder, { recursive: true, mode: 0o700 });
  const path = join(uploadFolder, newToken());
  try {
    return await use(await receive(request, limit, path));
  } finally {
    await rm(path, { force: true });
  }
};
