import { clockSettings } from '../clock/settings.ts';
import { clusterSettings } from '../cluster/settings.ts';
import { dataSettings } from '../data/settings.ts';
import { httpSettings } from '../http/settings.ts';
import { mailSettings } from '../mail/settings.ts';
import { outsideSettings } from '../outbound/settings.ts';
import { secretSettings } from '../security/settings.ts';
import { storageSettings } from '../storage/settings.ts';
import { telemetrySettings } from '../telemetry/settings.ts';
import { ConfigError, readSettings } from './define.ts';
import type { Settings, SettingsOf } from './define.ts';
import { loadSecrets } from './secrets.ts';

/** What the platform itself takes: an area a line. */
export const platformSettings: readonly Settings[] = [
  httpSettings,
  dataSettings,
  telemetrySettings,
  clusterSettings,
  clockSettings,
  storageSettings,
  mailSettings,
  outsideSettings,
  secretSettings,
];

/** What the platform needs to be opened. What a feature needs it has of `settingsOf`. */
export type Config = ReturnType<typeof readPlatform>;

/**
 * Reads all settings, once, at the start. Without DATABASE_URL secrets that are not given are made and kept in
 * DATA_DIR (created if missing).
 *
 * @param declared what is set beside the platform's own
 * @throws ConfigError for the first wrong setting
 */
export function readPlatform(env: Record<string, string | undefined>, declared: readonly Settings[] = []) {
  const { settingsOf, unknown } = readSettings(env, [...platformSettings, ...declared]);
  const http = settingsOf(httpSettings);
  const data = settingsOf(dataSettings);
  const given = settingsOf(secretSettings);
  const { MAIL_URL, MAIL_FROM } = settingsOf(mailSettings);
  return {
    ...http,
    ...data,
    ...settingsOf(telemetrySettings),
    ...settingsOf(clusterSettings),
    ...settingsOf(clockSettings),
    s3: settingsOf(storageSettings),
    /** what Parley itself sends to people */
    mail: MAIL_URL
      ? { url: MAIL_URL, from: MAIL_FROM ?? `Parley <no-reply@${new URL(http.publicUrl).hostname}>` }
      : undefined,
    /**
     * What workspaces may name as an address to call: private networks, and addresses without TLS. Who runs Parley itself
     * without TLS is developing, or inside a network of their own.
     */
    outside: { ...settingsOf(outsideSettings), allowHttp: http.publicUrl.startsWith('http:') },
    secrets: loadSecrets({
      encryptionKeys: given.ENCRYPTION_KEYS,
      jwtSecret: given.JWT_SECRET,
      generateIn: data.database.url ? undefined : data.dataDir,
      wrong: (variable, takes) => new ConfigError(variable, takes),
    }),
    settingsOf: settingsOf satisfies SettingsOf,
    /** Variables that begin as ours do and are read by nobody. */
    unknownVariables: unknown,
  };
}
