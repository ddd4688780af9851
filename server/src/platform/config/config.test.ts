import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { modelSettings } from '../../ai/settings.ts';
import { apiVariable, channelSettings } from '../../channels/settings.ts';
import { demoSettings } from '../../features/demo/settings.ts';
import { ownerSettings } from '../../features/sessions/settings.ts';
import { allSettings, readConfig } from '../../settings.ts';
import type { Config } from './config.ts';
import { ConfigError, readSettings } from './define.ts';

const names = allSettings.flatMap((settings) => Object.keys(settings.variables));

/** What features read. */
const ofFeatures = ({ settingsOf }: Config) => {
  const addresses = settingsOf(channelSettings);
  return {
    ...settingsOf(modelSettings),
    demo: settingsOf(demoSettings).PARLEY_DEMO,
    owner: settingsOf(ownerSettings),
    apiUrl: (name: string) => addresses[apiVariable(name)],
  };
};

const folder = (context: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'parley-config-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const secrets = { ENCRYPTION_KEYS: `k1:${key(1)}`, JWT_SECRET: 'j'.repeat(32) };
const external = { DATABASE_URL: 'postgres://u:p@db/parley', ...secrets };

const wrong: [string, Record<string, string>][] = [
  ['PORT', { PORT: 'http' }],
  ['PORT', { PORT: '65536' }],
  ['PORT', { PORT: '-1' }],
  ['HOST', { HOST: 'a b' }],
  ['HOST', { HOST: '256.1.1.1' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'parley.example' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'javascript:alert(1)' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/8,everybody' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/33' }],
  ['PARLEY_API_LIMIT_FREE', { PARLEY_API_LIMIT_FREE: '0' }],
  ['PARLEY_API_LIMIT_PAID', { PARLEY_API_LIMIT_PAID: '1e3' }],
  ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
  ['PARLEY_OWNER_EMAIL', { PARLEY_OWNER_EMAIL: 'me', PARLEY_OWNER_PASSWORD: 'long enough' }],
  ['PARLEY_OWNER_PASSWORD', { PARLEY_OWNER_EMAIL: 'me@example.com', PARLEY_OWNER_PASSWORD: 'nine char' }],
  ['PARLEY_OWNER_PASSWORD', { PARLEY_OWNER_EMAIL: 'me@example.com' }],
  ['PARLEY_OWNER_EMAIL', { PARLEY_OWNER_PASSWORD: 'long enough' }],
  ['PARLEY_ROLES', { PARLEY_ROLES: 'boss' }],
  ['PARLEY_ROLES', { PARLEY_ROLES: 'turn' }],
  ['PARLEY_ROLES', { PARLEY_ROLES: 'worker:' }],
  ['PARLEY_ROLES', { PARLEY_ROLES: 'worker,turn' }],
  ['PARLEY_ROLES', { PARLEY_ROLES: ',' }],
  ['DATABASE_URL', { DATABASE_URL: 'mysql://db' }],
  ['DATABASE_URL', { DATABASE_APP_URL: 'postgres://a' }],
  ['DATABASE_APP_URL', { ...external, DATABASE_APP_URL: 'https://a' }],
  ['DATABASE_URL', { DATABASE_REPLICA_URLS: 'postgres://a' }],
  ['DATABASE_REPLICA_URLS', { ...external, DATABASE_REPLICA_URLS: 'postgres://a,b' }],
  ['PARLEY_WORKSPACES_PER_PERSON', { PARLEY_WORKSPACES_PER_PERSON: '0' }],
  ['MAIL_URL', { MAIL_URL: 'https://mail.example' }],
  ['MAIL_FROM', { MAIL_FROM: 'Parley <nobody>\r\nBcc: x@y.example' }],
  ['PARLEY_DRAIN_NOTICE', { PARLEY_DRAIN_NOTICE: '3m' }],
  ['PARLEY_DATABASE_POOL', { PARLEY_DATABASE_POOL: '1' }],
  ['PARLEY_DATABASE_POOL', { PARLEY_DATABASE_POOL: 'many' }],
  ['REDIS_URL', { REDIS_URL: 'localhost:6379' }],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }],
  ['OTEL_TRACES_SAMPLER_ARG', { OTEL_TRACES_SAMPLER_ARG: '1.5' }],
  ['PARLEY_TRACE_HOSTS', { PARLEY_TRACE_HOSTS: 'https://models.example' }],
  ['PARLEY_MODEL_PRICES', { PARLEY_MODEL_PRICES: 'openai/gpt-5-mini=0.25' }],
  ['CLICKHOUSE_URL', { CLICKHOUSE_URL: 'tcp://x' }],
  ['S3_BUCKET', { S3_ENDPOINT: 'http://minio:9000' }],
  ['S3_SECRET_KEY', { S3_BUCKET: 'b', S3_ACCESS_KEY: 'a' }],
  ['ENCRYPTION_KEYS', { DATABASE_URL: external.DATABASE_URL, JWT_SECRET: secrets.JWT_SECRET }],
  ['JWT_SECRET', { DATABASE_URL: external.DATABASE_URL, ENCRYPTION_KEYS: secrets.ENCRYPTION_KEYS }],
  ['JWT_SECRET', { ...external, JWT_SECRET: 'guess-me' }],
  ['ENCRYPTION_KEYS', { ...external, ENCRYPTION_KEYS: 'k1:short' }],
  ['ENCRYPTION_KEYS', { ...external, ENCRYPTION_KEYS: key(1) }],
  ['ENCRYPTION_KEYS', { ...external, ENCRYPTION_KEYS: `k1:${key(1)},k1:${key(2)}` }],
  ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'localhost:8080/v1' }],
  ['CHANNEL_TELEGRAM_API_URL', { CHANNEL_TELEGRAM_API_URL: 'file:///etc/passwd' }],
];

for (const [name, env] of wrong) {
  test(`refused in one line that names it: ${JSON.stringify(env).slice(0, 70)}`, (context) => {
    const DATA_DIR = folder(context);
    assert.throws(
      () => readConfig({ DATA_DIR, ...env }),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.variable, name);
        assert.match(error.message, new RegExp(`^${name} [^\\n]+$`));
        assert.doesNotMatch(error.message, /takes another value/, 'it says what the variable takes');
        for (const value of ['short', 'guess-me', 'long enough', 'u:p@db']) assert.ok(!error.message.includes(value));
        return true;
      },
    );
  });
}

test('nothing set: everything has its default', (context) => {
  const config = readConfig({ DATA_DIR: folder(context) });
  assert.deepEqual([config.port, config.host, config.publicUrl], [3000, '127.0.0.1', 'http://127.0.0.1:3000']);
  assert.deepEqual(config.roles, { api: true, worker: { turn: true, delivery: true, knowledge: true, facts: true } });
  const { demo, owner, models, apiUrl } = ofFeatures(config);
  assert.deepEqual([demo, config.log.level, owner, config.s3], [true, 'info', undefined, undefined]);
  assert.deepEqual(config.database, { url: undefined, replicaUrls: [], pool: undefined });
  assert.equal(apiUrl('telegram'), 'https://api.telegram.org');
  assert.equal(models.openai.baseUrl, 'https://api.openai.com/v1');
  assert.equal(models.openai.apiKey, undefined);
});

test('what is set is taken; empty means unset; slashes at the end go', (context) => {
  const config = readConfig({
    DATA_DIR: folder(context),
    PORT: '8080',
    HOST: '::1',
    LOG_LEVEL: '',
    PARLEY_DEMO: '0',
    PARLEY_ROLES: 'worker:turn, delivery, api',
    PARLEY_OWNER_EMAIL: 'me@example.com',
    PARLEY_OWNER_PASSWORD: 'long enough',
    CHANNEL_META_API_URL: 'http://127.0.0.1:9/',
    ANTHROPIC_API_KEY: 'a-key',
    UNKNOWN_THING: 'x',
  });
  const { demo, owner, models, apiUrl } = ofFeatures(config);
  assert.deepEqual([config.port, config.publicUrl], [8080, 'http://[::1]:8080']);
  assert.deepEqual(config.roles, { api: true, worker: { turn: true, delivery: true, knowledge: false, facts: false } });
  assert.deepEqual(owner, { email: 'me@example.com', password: 'long enough' });
  assert.deepEqual([demo, config.log.level], [false, 'info']);
  assert.equal(apiUrl('meta'), 'http://127.0.0.1:9');
  assert.equal(models.anthropic.apiKey, 'a-key');
});

test('every variable that is empty, or nothing but blanks, is unset', (context) => {
  const DATA_DIR = folder(context);
  const none = readConfig({ DATA_DIR });
  const plain = (config: Config) => ({
    ...config,
    settingsOf: allSettings.map((settings) => config.settingsOf(settings)),
  });
  for (const blank of ['', '  ']) {
    const blanks = names.filter((name) => name !== 'DATA_DIR').map((name) => [name, blank]);
    assert.deepEqual(plain(readConfig({ ...Object.fromEntries(blanks), DATA_DIR })), plain(none));
  }
});

test('secrets are made once, kept for their owner alone, and read again', (context) => {
  const DATA_DIR = join(folder(context), 'new', 'data');
  const first = readConfig({ DATA_DIR }).secrets;
  const file = join(DATA_DIR, 'secrets.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(first.encryptionKeys[0]?.key.length, 32);
  assert.ok(first.jwtSecret.length >= 32);
  chmodSync(file, 0o644);
  assert.deepEqual(readConfig({ DATA_DIR }).secrets, first);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readConfig({ DATA_DIR, JWT_SECRET: secrets.JWT_SECRET }).secrets.jwtSecret, secrets.JWT_SECRET);
});

test('a damaged secrets file stops the start instead of being replaced', (context) => {
  const DATA_DIR = folder(context);
  writeFileSync(join(DATA_DIR, 'secrets.json'), '{"jwtSecret":');
  assert.throws(() => readConfig({ DATA_DIR }), { name: 'ConfigError', variable: 'DATA_DIR' });
  assert.equal(readFileSync(join(DATA_DIR, 'secrets.json'), 'utf8'), '{"jwtSecret":');
});

test('a data folder that cannot be made is named', (context) => {
  const file = join(folder(context), 'file');
  writeFileSync(file, '');
  assert.throws(() => readConfig({ DATA_DIR: join(file, 'data') }), { name: 'ConfigError', variable: 'DATA_DIR' });
});

test('with an external database nothing is written', (context) => {
  const DATA_DIR = join(folder(context), 'data');
  const config = readConfig({ DATA_DIR, ...external, ENCRYPTION_KEYS: `new:${key(2)},old:${key(1)}` });
  assert.deepEqual(
    config.secrets.encryptionKeys.map((entry) => entry.id),
    ['new', 'old'],
  );
  assert.throws(() => statSync(DATA_DIR), { code: 'ENOENT' });
});

test('.env.example tells of every variable and of no other', () => {
  const example = readFileSync(new URL('../../../../.env.example', import.meta.url), 'utf8');
  const told = [...example.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1]);
  assert.deepEqual(told.toSorted(), names.toSorted());
});

test('a variable that begins as ours do and is none of them is told of; others are nobody’s business', (context) => {
  const DATA_DIR = folder(context);
  const env = { DATA_DIR, PARLEY_DEMOS: '0', PARLEY_DEMO: '0', UNKNOWN_THING: 'x' };
  assert.deepEqual(readConfig(env).unknownVariables, ['PARLEY_DEMOS']);
});

test('settings declared twice, or read without being declared, are a mistake', () => {
  const twice = [allSettings, allSettings].flat();
  assert.throws(() => readSettings({}, twice), /PORT is declared twice/);
  assert.throws(() => readSettings({}, []).settingsOf(demoSettings), /PARLEY_DEMO: not in the settings of any feature/);
});
