import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import type { Outbound } from '../outbound/breaker.ts';
import type { S3Config } from './settings.ts';
import { badRequest, notFound } from '../errors.ts';
import { newToken } from '../data/ids.ts';
import { createS3Storage } from './s3.ts';

/** A file on this machine's disk; `head` is how it begins. */
export type LocalFile = { path: string; size: number; sha256: string; head: Buffer };

/**
 * Files by key ("workspace/attachments/id.png"): segments of letters, digits, ".", "_" and "-" that do not begin
 * with a dot, joined by "/". A key outside of that is a 400, a missing file a 404.
 */
export type Storage = {
  /** Replaces whole: a reader sees the old bytes or the new ones, never a part. */
  put(key: string, bytes: Uint8Array, options: { contentType: string }): Promise<void>;
  /** The same from a file on the disk, which stays where it is. */
  putFile(key: string, file: Omit<LocalFile, 'head'>, options: { contentType: string }): Promise<void>;
  get(key: string): Promise<Buffer>;
  /** The bytes as they come. Whoever asks reads or destroys the stream. */
  open(key: string): Promise<Readable>;
  /** Removing what is not there is no error. */
  remove(key: string): Promise<void>;
  /** Rejects when nothing could be put now. For health: writes at most an empty draft, and leaves nothing. */
  probe(): Promise<void>;
};

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}$/;

const checked = (key: string): string => {
  if (!KEY.test(key)) throw badRequest('This is not the name of a file.');
  return key;
};

const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);

const createFolderStorage = (folder: string): Storage => {
  // A key's segment never begins with a dot, so no key reaches the drafts.
  const drafts = join(folder, '.drafts');

  const pathOf = (key: string): string => {
    const path = join(folder, checked(key));
    if (!path.startsWith(folder + sep)) throw badRequest('This is not the name of a file.');
    return path;
  };

  const missing = (error: unknown): unknown =>
    isCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR') ? notFound('The file') : error;

  /** `write` fills the draft; then it takes the place of what was there. */
  async function replace(key: string, write: (draft: string) => Promise<void>): Promise<void> {
    const path = pathOf(key);
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const draft = join(drafts, newToken());
    try {
      await write(draft);
      const file = await open(draft, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  return {
    // The content type lives in the row that names the key; a folder has no place for it.
    put: (key, bytes) => replace(key, (draft) => writeFile(draft, bytes, { flag: 'wx', mode: 0o600 })),
    putFile: (key, { path }) =>
      replace(key, (draft) => copyFile(path, draft, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)),
    get: async (key) => {
      const path = pathOf(key);
      try {
        return await readFile(path);
      } catch (error) {
        throw missing(error);
      }
    },
    open: async (key) => {
      const path = pathOf(key);
      try {
        const file = await open(path);
        if ((await file.stat()).isFile()) return file.createReadStream();
        await file.close();
        throw notFound('The file');
      } catch (error) {
        throw missing(error);
      }
    },
    remove: async (key) => {
      const path = pathOf(key);
      try {
        await rm(path, { force: true });
      } catch (error) {
        if (!isCode(error, 'ENOTDIR', 'ERR_FS_EISDIR')) throw error;
      }
    },
    probe: async () => {
      await mkdir(drafts, { recursive: true, mode: 0o700 });
      const draft = join(drafts, newToken());
      await writeFile(draft, '', { flag: 'wx', mode: 0o600 });
      await rm(draft, { force: true });
    },
  };
};

/** Where attachments and documents are kept: the bucket of the S3_ settings, or else DATA_DIR/files. */
export const createStorage = (config: { dataDir: string; s3?: S3Config | undefined }, outbound: Outbound): Storage =>
  config.s3 ? createS3Storage(config.s3, outbound, checked) : createFolderStorage(join(config.dataDir, 'files'));
