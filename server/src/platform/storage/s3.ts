import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Outbound } from '../outbound/breaker.ts';
import { HttpStatusError } from '../outbound/breaker.ts';
import { notFound, unavailable } from '../errors.ts';
import { statusOf } from '../outbound/errors.ts';
import type { S3Config } from './settings.ts';
import type { Storage } from './storage.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** For one try with the largest document on a slow line. */
const TRY_MS = 60_000;
const PROBE_MS = 1_800;

/** What the SDK throws for an answer that is a failure, in the words of this house. */
function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !('$metadata' in error)) return error;
  const { $metadata: metadata } = error;
  const status: unknown =
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'httpStatusCode') : undefined;
  return typeof status === 'number' ? Object.assign(new HttpStatusError(status, error.name), { cause: error }) : error;
}

/**
 * Files in a bucket, over the S3 API of any provider. Tries again and breaks off by the common rules of what leaves the
 * process, so the SDK does neither. `checked` refuses what is no key.
 */
export function createS3Storage(settings: S3Config, outbound: Outbound, checked: (key: string) => string): Storage {
  const { endpoint, bucket: Bucket, region, accessKey, secretKey } = settings;
  let opened: Promise<{ sdk: Sdk; client: S3Client }> | undefined;

  // Loaded when it is used for the first time: it is large, and most installations keep files in a folder.
  async function open(): Promise<{ sdk: Sdk; client: S3Client }> {
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({
      endpoint,
      region,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      // Names of buckets in the host need a certificate for each, which only Amazon has for sure.
      forcePathStyle: !new URL(endpoint).hostname.endsWith('.amazonaws.com'),
      maxAttempts: 1,
      // Not every provider knows the newer checksums; the signature covers the bytes already.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return { sdk, client };
  }

  async function ask<T>(work: (sdk: Sdk, client: S3Client, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const { sdk, client } = await (opened ??= open());
    try {
      return await outbound.call(
        'files',
        async (signal) => {
          try {
            return await work(sdk, client, signal);
          } catch (error) {
            throw translate(error);
          }
        },
        { timeoutMs: TRY_MS },
      );
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) throw notFound('The file');
      // 4xx is a wrong setting: people have to hear of it as a fault of ours.
      if (status !== undefined && status < 500 && status !== 429) throw error;
      throw unavailable('Files cannot be reached at present. Try again later.', undefined, error);
    }
  }

  return {
    put: async (key, bytes, { contentType: ContentType }) => {
      const Key = checked(key);
      await ask((sdk, client, abortSignal) =>
        client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: bytes, ContentType }), { abortSignal }),
      );
    },
    putFile: async (key, { path, size: ContentLength, sha256 }, { contentType: ContentType }) => {
      const Key = checked(key);
      await ask((sdk, client, abortSignal) => {
        // Read anew for every try.
        const Body = createReadStream(path);
        const command = new sdk.PutObjectCommand({ Bucket, Key, Body, ContentLength, ContentType });
        // Of a stream the SDK does not know it, and then signs nothing of what is sent.
        command.middlewareStack.add(
          (next) => (args) => {
            Object.assign(Object(Reflect.get(Object(args.request), 'headers')), { 'x-amz-content-sha256': sha256 });
            return next(args);
          },
          { step: 'build' },
        );
        return client.send(command, { abortSignal });
      });
    },
    open: async (key) => {
      const Key = checked(key);
      return ask(async (sdk, client, abortSignal) => {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }), { abortSignal });
        if (!(Body instanceof Readable)) throw new HttpStatusError(404);
        return Body;
      });
    },
    get: async (key) => {
      const Key = checked(key);
      return ask(async (sdk, client, abortSignal) => {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }), { abortSignal });
        if (!Body) throw new HttpStatusError(404);
        return Buffer.from(await Body.transformToByteArray());
      });
    },
    remove: async (key) => {
      const Key = checked(key);
      await ask((sdk, client, abortSignal) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), { abortSignal }),
      );
    },
    probe: async () => {
      const { sdk, client } = await (opened ??= open());
      const reach = async (abortSignal: AbortSignal): Promise<void> => {
        try {
          await client.send(new sdk.HeadBucketCommand({ Bucket }), { abortSignal });
        } catch (error) {
          const translated = translate(error);
          // A key that may not look at the bucket itself may still put files into it.
          if (statusOf(translated) !== 403) throw translated;
        }
      };
      await outbound.call('files', reach, { timeoutMs: PROBE_MS, attempts: 1 });
    },
  };
}
