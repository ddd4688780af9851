import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError, defineSettings } from '../config/define.ts';
import { addressOf, commaList, httpAddress, wholeNumber } from '../config/schemas.ts';

const protocols = ['postgres:', 'postgresql:'];

export type DataConfig = {
  /** Absolute. */
  dataDir: string;
  /**
   * `appUrl`: the same database with the login of tenant work. `pool`: connections of this process at most, for the
   * product's statements.
   */
  database: { url?: string; appUrl?: string; replicaUrls: string[]; pool?: number };
  clickhouse: { url?: string };
};

export const dataSettings = defineSettings(
  {
    DATA_DIR: {
      schema: z.string().describe('takes the path of a folder'),
      group: 'start',
      description:
        'Everything the embedded profile keeps: database, files, secrets. Uploads pass through it on every profile. Delete the folder to start over.',
      default: './data',
    },
    DATABASE_URL: {
      schema: addressOf(protocols),
      group: 'services',
      description: 'PostgreSQL 16 or newer with pgvector. Makes ENCRYPTION_KEYS and JWT_SECRET necessary.',
      unset: 'embedded',
      example: 'postgres://parley:password@localhost:5432/parley',
      secret: true,
    },
    DATABASE_APP_URL: {
      schema: addressOf(protocols),
      group: 'services',
      description:
        'The same database with the login of tenant work, which may do nothing by itself and SET ROLE to parley_app and parley_system.',
      unset: "one Parley makes where the user of DATABASE_URL may, or else that one's",
      example: 'postgres://parley_tenants:password@localhost:5432/parley',
      secret: true,
      more: '[Users in PostgreSQL](#which-users-does-parley-need-in-postgresql)',
    },
    PARLEY_DATABASE_POOL: {
      schema: wholeNumber(2, 500),
      group: 'services',
      description:
        'Connections to the database, and to each replica, that this process opens at most for its statements; jobs without Redis need some more.',
      unset: '20 (10 embedded, 10 for a replica)',
      example: '20',
    },
    DATABASE_REPLICA_URLS: {
      schema: z
        .string()
        .transform(commaList)
        .refine((urls) => urls.every((url) => URL.canParse(url) && protocols.includes(new URL(url).protocol)))
        .describe('takes postgres:// addresses separated by commas'),
      group: 'services',
      description:
        'Streaming replicas of it, separated by commas: lists, searches and reports are read there when they are up to date.',
      secret: true,
    },
    CLICKHOUSE_URL: {
      schema: httpAddress(),
      group: 'services',
      description: 'Analytics. Checked, but not used in this version.',
      example: 'http://localhost:8123',
      secret: true,
    },
  },
  (values): DataConfig => {
    const replicaUrls = values.DATABASE_REPLICA_URLS ?? [];
    if (replicaUrls.length > 0 && !values.DATABASE_URL)
      throw new ConfigError('DATABASE_URL', 'is needed beside DATABASE_REPLICA_URLS');
    if (values.DATABASE_APP_URL && !values.DATABASE_URL)
      throw new ConfigError('DATABASE_URL', 'is needed beside DATABASE_APP_URL');
    return {
      dataDir: resolve(values.DATA_DIR),
      database: {
        url: values.DATABASE_URL,
        ...(values.DATABASE_APP_URL ? { appUrl: values.DATABASE_APP_URL } : {}),
        replicaUrls,
        pool: values.PARLEY_DATABASE_POOL,
      },
      clickhouse: { url: values.CLICKHOUSE_URL },
    };
  },
);
