import type { Config } from './platform/config/config.ts';

/** `links`: further pages by name, as paths. */
export type Started = { address: string; setupUrl: string | undefined; links: Record<string, string> };

const withoutPassword = (url: string): string => {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
};

/** One screen: what is embedded, what is external, and the addresses to open. */
export function describeStart(config: Config, { address, setupUrl, links: further }: Started): string {
  const { database, redis, s3, roles } = config;
  const worker = Object.entries(roles.worker).flatMap(([name, on]) => (on ? [name] : []));
  const rows: [string, string][] = [
    ['database', database.url ? `external  ${withoutPassword(database.url)}` : `embedded  ${config.dataDir}`],
    [
      'jobs, cache',
      redis.url ? `external  ${withoutPassword(redis.url)}` : 'embedded  in the database and this process',
    ],
    ['files', s3 ? `external  ${s3.bucket}` : `embedded  ${config.dataDir}/files`],
    ['models', 'built-in, quotes its sources; others by the keys in .env'],
    [
      'roles',
      [roles.api ? 'api' : '', worker.length > 0 ? `worker: ${worker.join(', ')}` : ''].filter(Boolean).join(', '),
    ],
  ];
  const links: [string, string][] = [
    ...(roles.api ? [['dashboard', `${config.publicUrl}/`] as [string, string]] : []),
    ...Object.entries(further).map(([name, path]): [string, string] => [name, config.publicUrl + path]),
    ...(roles.api ? [['API', `${config.publicUrl}/docs`] as [string, string]] : []),
    ['health', `${roles.api ? config.publicUrl : address}/health`],
  ];
  const line = ([name, value]: [string, string]): string => `  ${name.padEnd(13)}${value}`;
  const warning = database.url
    ? []
    : [
        '',
        '  The embedded database survives a crash of Parley, but not always a power cut: it may lose the last moments.',
      ];
  const testClock = config.testClock
    ? ['', '  PARLEY_TEST_CLOCK: owners may set the time of this installation. For tests alone.']
    : [];
  const setup = setupUrl ? ['', `  Set up the first owner (works once, 7 days):`, `  ${setupUrl}`] : [];
  return `${['', '  Parley', '', ...rows.map(line), ...warning, ...testClock, '', ...links.map(line), ...setup, '', `ready ${address}`].join('\n')}\n`;
}
