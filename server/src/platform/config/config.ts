import { resolve } from 'node:path';
import { MAX_DOCUMENT_MB } from '@parley/contract';
import { z } from 'zod';
import { isNetwork } from '../http/proxies.ts';
import { loadSecrets } from './secrets.ts';
import type { EncryptionKey } from './secrets.ts';

/** A wrong setting: one line that names the variable and what it takes. Never quotes the value, which may be a secret. */
export class ConfigError extends Error {
  readonly variable: string;

  constructor(variable: string, takes: string) {
    super(`${variable} ${takes}`);
    this.name = 'ConfigError';
    this.variable = variable;
  }
}

const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);
const httpAddress = (value: string): boolean => /^https?:\/\/[^\s/]+/i.test(value) && URL.canParse(value);
const withoutSlash = (value: string): string => value.replace(/\/+$/, '');

// Each description reads on after the variable's name; it is the error and the documentation at once.
const http = () =>
  z.string().refine(httpAddress).transform(withoutSlash).optional().describe('takes an http:// or https:// address');
const text = () => z.string().optional().describe('takes a text');
const address = (protocols: string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))
    .optional()
    .describe(`takes an address that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);

/** `usual` when nothing is set. What wraps a schema does not have its words, so they come last. */
const wholeNumber = <Usual extends number | undefined>(from: number, to: number, usual: Usual) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= from && value <= to)
    .optional()
    .transform((value) => value ?? usual)
    .describe(`takes a whole number from ${from} to ${to}`);

const postgresProtocols = ['postgres:', 'postgresql:'];
const list = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** US dollars for a million tokens, by the model's name as bots have it. */
export type ModelPrices = Map<string, { input: number; output: number }>;

const parsePrices = (value: string): ModelPrices | undefined => {
  const prices: ModelPrices = new Map();
  for (const item of list(value)) {
    const [, model, input, output] = /^([\w.:@/-]{1,130})=(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(item) ?? [];
    if (!model || !input || !output || prices.size >= 50) return undefined;
    prices.set(model, { input: Number(input), output: Number(output) });
  }
  return prices;
};

/** The parts of a worker; each can run in a process of its own. */
export const workerParts = ['turn', 'delivery', 'knowledge', 'facts'] as const;
export type WorkerPart = (typeof workerParts)[number];
export type Roles = { api: boolean; worker: Record<WorkerPart, boolean> };

const isWorkerPart = (value: string): value is WorkerPart => workerParts.some((part) => part === value);

/** "api,worker" | "worker:turn,delivery" | "api,worker:turn": parts follow "worker:" up to the next role. */
const parseRoles = (value: string): Roles | undefined => {
  const roles: Roles = { api: false, worker: { turn: false, delivery: false, knowledge: false, facts: false } };
  let inParts = false;
  for (const item of list(value)) {
    const [head, part] = item.startsWith('worker:') ? ['worker:', item.slice('worker:'.length).trim()] : [item, item];
    if (head === 'api' || head === 'worker') {
      inParts = false;
      if (head === 'api') roles.api = true;
      else for (const name of workerParts) roles.worker[name] = true;
      continue;
    }
    inParts ||= head === 'worker:';
    if (!inParts || !isWorkerPart(part)) return undefined;
    roles.worker[part] = true;
  }
  return roles.api || workerParts.some((part) => roles.worker[part]) ? roles : undefined;
};

const months = (usual: number) =>
  z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .default(usual)
    .describe('takes a number of months, or 0 to keep them for ever');

const channelDefaults = {
  telegram: 'https://api.telegram.org',
  meta: 'https://graph.facebook.com',
  viber: 'https://chatapi.viber.com',
  slack: 'https://slack.com/api',
  discord: 'https://discord.com/api/v10',
  signal: 'http://127.0.0.1:8080',
  line: 'https://api.line.me',
  twilio: 'https://api.twilio.com',
  sendgrid: 'https://api.sendgrid.com',
} as const;
export type ChannelApi = keyof typeof channelDefaults;

const channelVariable = (name: ChannelApi) => `CHANNEL_${name.toUpperCase() as Uppercase<ChannelApi>}_API_URL` as const;

/** Every variable Parley reads. Empty means unset. */
export const variables = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= 65_535)
    .default(3000)
    .describe('takes a port from 0 to 65535'),
  HOST: z
    .string()
    .regex(/^[\w.:-]+$/)
    .refine((host) => URL.canParse(`http://${hostInUrl(host)}`))
    .default('127.0.0.1')
    .describe('takes a host name or IP address to listen on'),
  PUBLIC_URL: http(),
  DATA_DIR: z.string().default('./data').describe('takes the path of a folder'),
  TRUSTED_PROXIES: z
    .string()
    .transform(list)
    .refine((networks) => networks.every(isNetwork))
    .default([])
    .describe('takes addresses or networks (10.0.0.0/8) of proxies in front of Parley, separated by commas'),
  PARLEY_API_LIMIT_FREE: wholeNumber(1, 1_000_000, 100),
  PARLEY_API_LIMIT_PAID: wholeNumber(1, 1_000_000, 1_000),
  MAX_DOCUMENT_MB: wholeNumber(1, 1_000, MAX_DOCUMENT_MB),
  PARLEY_WORKSPACES_PER_PERSON: wholeNumber(1, 1_000_000, 20),
  PARLEY_WEBHOOKS_PRIVATE: z
    .enum(['0', '1'])
    .default('0')
    .transform((value) => value === '1')
    .describe('takes 1 (webhooks may call private networks and this machine) or 0'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('takes one of fatal, error, warn, info, debug, trace, silent'),
  OTEL_EXPORTER_OTLP_ENDPOINT: http(),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/)
    .transform(Number)
    .default(1)
    .describe('takes the share of traces to record, from 0 to 1'),
  PARLEY_TRACE_HOSTS: z
    .string()
    .transform(list)
    .refine((hosts) => hosts.every((host) => URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host))
    .default([])
    .describe('takes hosts (host or host:port) separated by commas whose calls carry the trace'),
  PARLEY_MODEL_PRICES: z
    .string()
    .transform((value, context) => {
      const prices = parsePrices(value);
      if (prices) return prices;
      context.addIssue('wrong prices');
      return z.NEVER;
    })
    .default(new Map())
    .describe(
      'takes MODEL=INPUT/OUTPUT separated by commas, in US dollars for a million tokens: openai/gpt-5-mini=0.25/2',
    ),
  PARLEY_OWNER_EMAIL: z.email().optional().describe('takes an email address'),
  PARLEY_OWNER_PASSWORD: z.string().min(10).max(200).optional().describe('takes a password of 10 to 200 characters'),
  PARLEY_DEMO: z
    .string()
    .default('1')
    .transform((value) => value !== '0')
    .describe('takes 0 (no demo workspace) or 1'),
  PARLEY_ROLES: z
    .string()
    .default('api,worker')
    .transform((value, context) => {
      const roles = parseRoles(value);
      if (roles) return roles;
      context.addIssue('wrong roles');
      return z.NEVER;
    })
    .describe(`takes api, worker or worker:PART,PART with the parts ${workerParts.join(', ')}; several with commas`),
  PARLEY_DRAIN_NOTICE: wholeNumber(0, 120, 0),
  PARLEY_TEST_CLOCK: z
    .enum(['0', '1'])
    .default('0')
    .transform((value) => value === '1')
    .describe('takes 1 (for tests alone: an owner may set the time) or 0'),
  DATABASE_URL: address(postgresProtocols),
  DATABASE_APP_URL: address(postgresProtocols),
  DATABASE_REPLICA_URLS: z
    .string()
    .transform(list)
    .refine((urls) => urls.every((url) => URL.canParse(url) && postgresProtocols.includes(new URL(url).protocol)))
    .optional()
    .describe('takes postgres:// addresses separated by commas'),
  PARLEY_RETENTION_MESSAGES: months(0),
  PARLEY_RETENTION_EVENTS: months(3),
  PARLEY_RETENTION_TRACES: months(3),
  PARLEY_DATABASE_POOL: wholeNumber(2, 500, undefined),
  REDIS_URL: address(['redis:', 'rediss:']),
  CLICKHOUSE_URL: http(),
  S3_ENDPOINT: http(),
  S3_BUCKET: text(),
  S3_ACCESS_KEY: text(),
  S3_SECRET_KEY: text(),
  S3_REGION: z.string().default('us-east-1').describe('takes the name of a region'),
  MAIL_URL: address(['smtp:', 'smtps:']),
  MAIL_FROM: z
    .string()
    .regex(/^[^\r\n<>]{0,100}<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/)
    .optional()
    .describe('takes an email address, or a name and <an email address>'),
  ENCRYPTION_KEYS: text(),
  JWT_SECRET: text(),
  OPENAI_API_KEY: text(),
  OPENAI_BASE_URL: http(),
  ANTHROPIC_API_KEY: text(),
  ANTHROPIC_BASE_URL: http(),
  GOOGLE_GENERATIVE_AI_API_KEY: text(),
  GOOGLE_GENERATIVE_AI_BASE_URL: http(),
  CHANNEL_TELEGRAM_API_URL: http(),
  CHANNEL_META_API_URL: http(),
  CHANNEL_VIBER_API_URL: http(),
  CHANNEL_SLACK_API_URL: http(),
  CHANNEL_DISCORD_API_URL: http(),
  CHANNEL_SIGNAL_API_URL: http(),
  CHANNEL_LINE_API_URL: http(),
  CHANNEL_TWILIO_API_URL: http(),
  CHANNEL_SENDGRID_API_URL: http(),
  META_APP_SECRET: text(),
  META_VERIFY_TOKEN: text(),
});

type Settings = z.infer<typeof variables>;

export type ModelProvider = 'openai' | 'anthropic' | 'google';

export type Config = {
  host: string;
  port: number;
  /** Without a trailing slash. With PORT=0 the caller knows the real one only after listening. */
  publicUrl: string;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  trustedProxies: string[];
  /** What the API keys of a workspace may ask in a minute. */
  keysPerMinute: { free: number; paid: number };
  /** How large a document for a knowledge base may be. */
  maxDocumentBytes: number;
  workspacesPerPerson: number;
  /** What workspaces may name as the address of a webhook: private networks, and addresses without TLS. */
  webhooks: { allowPrivate: boolean; allowHttp: boolean };
  /** Absolute. */
  dataDir: string;
  log: { level: Settings['LOG_LEVEL'] };
  otel: { endpoint?: string; ratio: number; tell: string[] };
  prices: ModelPrices;
  owner?: { email: string; password: string };
  demo: boolean;
  roles: Roles;
  /** How long a process that was asked to end says so in its health and serves on, before it closes its doors. */
  drainNoticeMs: number;
  /** For tests alone: an owner may set the business time of the installation. */
  testClock: boolean;
  /** `pool`: connections of this process at most, for the product's statements. */
  /** `appUrl`: the same database with the login of tenant work */
  database: { url?: string; appUrl?: string; replicaUrls: string[]; pool?: number };
  /** For how many whole months besides the current one; 0: for ever. */
  retention: { messages: number; events: number; traces: number };
  redis: { url?: string };
  clickhouse: { url?: string };
  /** what Parley itself sends to people */
  mail?: { url: string; from: string };
  s3?: { endpoint: string; bucket: string; accessKey: string; secretKey: string; region: string };
  secrets: { encryptionKeys: EncryptionKey[]; jwtSecret: string };
  models: Record<ModelProvider, { apiKey?: string; baseUrl: string }>;
  /** Where each platform's API is, without a trailing slash. Paths of the platform are appended to it. */
  channels: Record<ChannelApi, { apiUrl: string }>;
  /** secrets of the installation's own apps, for addresses all their inboxes share */
  apps: { META_APP_SECRET: string | undefined; META_VERIFY_TOKEN: string | undefined };
};

const parse = (env: Record<string, string | undefined>): Settings => {
  const set = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()] as const] : [])),
  );
  const result = variables.safeParse(set);
  if (result.success) return result.data;
  const name = String(result.error.issues[0]?.path[0] ?? 'A variable');
  const field: z.ZodType | undefined = Object.entries(variables.shape).find(([key]) => key === name)?.[1];
  throw new ConfigError(name, field?.description ?? 'takes another value');
};

const parseOwner = (settings: Settings): Config['owner'] => {
  const { PARLEY_OWNER_EMAIL: email, PARLEY_OWNER_PASSWORD: password } = settings;
  if (email && !password) throw new ConfigError('PARLEY_OWNER_PASSWORD', 'is needed beside PARLEY_OWNER_EMAIL');
  if (password && !email) throw new ConfigError('PARLEY_OWNER_EMAIL', 'is needed beside PARLEY_OWNER_PASSWORD');
  return email && password ? { email, password } : undefined;
};

const parseS3 = (settings: Settings): Config['s3'] => {
  const { S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY, S3_REGION } = settings;
  if (!S3_ENDPOINT && !S3_BUCKET && !S3_ACCESS_KEY && !S3_SECRET_KEY) return undefined;
  if (!S3_BUCKET)
    throw new ConfigError('S3_BUCKET', 'takes the name of a bucket and is needed with the other S3_ settings');
  if (!S3_ACCESS_KEY) throw new ConfigError('S3_ACCESS_KEY', 'takes an access key id and is needed with S3_BUCKET');
  if (!S3_SECRET_KEY) throw new ConfigError('S3_SECRET_KEY', 'takes a secret access key and is needed with S3_BUCKET');
  return {
    endpoint: S3_ENDPOINT ?? `https://s3.${S3_REGION}.amazonaws.com`,
    bucket: S3_BUCKET,
    accessKey: S3_ACCESS_KEY,
    secretKey: S3_SECRET_KEY,
    region: S3_REGION,
  };
};

const channels = (settings: Settings): Config['channels'] => {
  const at = (name: ChannelApi) => ({ apiUrl: settings[channelVariable(name)] ?? channelDefaults[name] });
  return {
    telegram: at('telegram'),
    meta: at('meta'),
    viber: at('viber'),
    slack: at('slack'),
    discord: at('discord'),
    signal: at('signal'),
    line: at('line'),
    twilio: at('twilio'),
    sendgrid: at('sendgrid'),
  };
};

/**
 * Reads all settings, once, at the start. Without DATABASE_URL secrets that are not given are made and kept in
 * DATA_DIR (created if missing). Throws ConfigError for the first wrong setting.
 */
export const readConfig = (env: Record<string, string | undefined>): Config => {
  const settings = parse(env);
  const owner = parseOwner(settings);
  const s3 = parseS3(settings);
  const replicaUrls = settings.DATABASE_REPLICA_URLS ?? [];
  if (replicaUrls.length > 0 && !settings.DATABASE_URL) {
    throw new ConfigError('DATABASE_URL', 'is needed beside DATABASE_REPLICA_URLS');
  }
  if (settings.DATABASE_APP_URL && !settings.DATABASE_URL) {
    throw new ConfigError('DATABASE_URL', 'is needed beside DATABASE_APP_URL');
  }
  const dataDir = resolve(settings.DATA_DIR);
  const secrets = loadSecrets({
    encryptionKeys: settings.ENCRYPTION_KEYS,
    jwtSecret: settings.JWT_SECRET,
    generateIn: settings.DATABASE_URL ? undefined : dataDir,
    wrong: (variable, takes) => new ConfigError(variable, takes),
  });
  const publicUrl = settings.PUBLIC_URL ?? `http://${hostInUrl(settings.HOST)}:${settings.PORT}`;
  const mail = settings.MAIL_URL && {
    url: settings.MAIL_URL,
    from: settings.MAIL_FROM ?? `Parley <no-reply@${new URL(publicUrl).hostname}>`,
  };
  return {
    host: settings.HOST,
    port: settings.PORT,
    publicUrl,
    trustedProxies: settings.TRUSTED_PROXIES,
    keysPerMinute: { free: settings.PARLEY_API_LIMIT_FREE, paid: settings.PARLEY_API_LIMIT_PAID },
    maxDocumentBytes: settings.MAX_DOCUMENT_MB * 1024 * 1024,
    workspacesPerPerson: settings.PARLEY_WORKSPACES_PER_PERSON,
    // Who runs Parley itself without TLS is developing, or inside a network of their own.
    webhooks: { allowPrivate: settings.PARLEY_WEBHOOKS_PRIVATE, allowHttp: publicUrl.startsWith('http:') },
    dataDir,
    log: { level: settings.LOG_LEVEL },
    otel: {
      endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
      ratio: settings.OTEL_TRACES_SAMPLER_ARG,
      tell: settings.PARLEY_TRACE_HOSTS,
    },
    prices: settings.PARLEY_MODEL_PRICES,
    ...(owner ? { owner } : {}),
    demo: settings.PARLEY_DEMO,
    roles: settings.PARLEY_ROLES,
    drainNoticeMs: settings.PARLEY_DRAIN_NOTICE * 1_000,
    testClock: settings.PARLEY_TEST_CLOCK,
    database: {
      url: settings.DATABASE_URL,
      ...(settings.DATABASE_APP_URL ? { appUrl: settings.DATABASE_APP_URL } : {}),
      replicaUrls,
      pool: settings.PARLEY_DATABASE_POOL,
    },
    retention: {
      messages: settings.PARLEY_RETENTION_MESSAGES,
      events: settings.PARLEY_RETENTION_EVENTS,
      traces: settings.PARLEY_RETENTION_TRACES,
    },
    redis: { url: settings.REDIS_URL },
    clickhouse: { url: settings.CLICKHOUSE_URL },
    ...(s3 ? { s3 } : {}),
    ...(mail ? { mail } : {}),
    secrets,
    models: {
      openai: { apiKey: settings.OPENAI_API_KEY, baseUrl: settings.OPENAI_BASE_URL ?? 'https://api.openai.com/v1' },
      anthropic: {
        apiKey: settings.ANTHROPIC_API_KEY,
        baseUrl: settings.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com/v1',
      },
      google: {
        apiKey: settings.GOOGLE_GENERATIVE_AI_API_KEY,
        baseUrl: settings.GOOGLE_GENERATIVE_AI_BASE_URL ?? 'https://generativelanguage.googleapis.com/v1beta',
      },
    },
    channels: channels(settings),
    apps: { META_APP_SECRET: settings.META_APP_SECRET, META_VERIFY_TOKEN: settings.META_VERIFY_TOKEN },
  };
};
