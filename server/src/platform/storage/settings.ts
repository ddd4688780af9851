import { z } from 'zod';
import { ConfigError, defineSettings } from '../config/define.ts';
import { anyText, httpAddress } from '../config/schemas.ts';

export type S3Config = { endpoint: string; bucket: string; accessKey: string; secretKey: string; region: string };

export const storageSettings = defineSettings(
  {
    S3_ENDPOINT: {
      schema: httpAddress(),
      group: 'services',
      description: 'Where the S3 API is, of any provider.',
      unset: "Amazon's own",
    },
    S3_BUCKET: {
      schema: anyText(),
      group: 'services',
      description: 'A bucket for files; needs the two keys.',
      unset: 'DATA_DIR/files',
    },
    S3_ACCESS_KEY: { schema: anyText(), group: 'services', description: 'Its access key id.', secret: true },
    S3_SECRET_KEY: { schema: anyText(), group: 'services', description: 'Its secret access key.', secret: true },
    S3_REGION: {
      schema: z.string().describe('takes the name of a region'),
      group: 'services',
      description: 'Its region.',
      default: 'us-east-1',
    },
  },
  ({ S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY, S3_REGION }): S3Config | undefined => {
    if (!S3_ENDPOINT && !S3_BUCKET && !S3_ACCESS_KEY && !S3_SECRET_KEY) return undefined;
    if (!S3_BUCKET)
      throw new ConfigError('S3_BUCKET', 'takes the name of a bucket and is needed with the other S3_ settings');
    if (!S3_ACCESS_KEY) throw new ConfigError('S3_ACCESS_KEY', 'takes an access key id and is needed with S3_BUCKET');
    if (!S3_SECRET_KEY)
      throw new ConfigError('S3_SECRET_KEY', 'takes a secret access key and is needed with S3_BUCKET');
    return {
      endpoint: S3_ENDPOINT ?? `https://s3.${S3_REGION}.amazonaws.com`,
      bucket: S3_BUCKET,
      accessKey: S3_ACCESS_KEY,
      secretKey: S3_SECRET_KEY,
      region: S3_REGION,
    };
  },
);
