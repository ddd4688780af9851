import { defineSettings } from '../platform/config/define.ts';
import { httpAddress } from '../platform/config/schemas.ts';
import type { Channel, TextVariable } from './contract.ts';
import { channels } from './registry.ts';

type Api = NonNullable<Channel['api']>;

/** Of channels that are not part of this version: their addresses are checked and not used. */
const toCome: Api[] = [
  { name: 'viber', url: 'https://chatapi.viber.com' },
  { name: 'slack', url: 'https://slack.com/api' },
  { name: 'discord', url: 'https://discord.com/api/v10' },
  {
    name: 'signal',
    url: 'http://127.0.0.1:8080',
    description: 'Your own signal-cli-rest-api; not used in this version.',
  },
  { name: 'line', url: 'https://api.line.me' },
  { name: 'twilio', url: 'https://api.twilio.com' },
  { name: 'sendgrid', url: 'https://api.sendgrid.com' },
];

/** Its value is the address without a slash at the end. */
export const apiVariable = (name: string): string => `CHANNEL_${name.toUpperCase()}_API_URL`;

function apiSetting({ name, url, description }: Api): [string, TextVariable] {
  const words = description ?? 'Checked, but its channel is not part of this version.';
  return [apiVariable(name), { schema: httpAddress(), group: 'channels', description: words, default: url }];
}

const all = Object.values(channels);
// A channel that is there says itself where its platform is; two of one platform share the setting.
const apis = Map.groupBy([...all.flatMap(({ api }) => api ?? []), ...toCome], ({ name }) => name);

/** What the channels of the registry declare. */
export const channelSettings = defineSettings({
  ...Object.fromEntries([...apis.values()].flatMap(([api]) => (api ? [apiSetting(api)] : []))),
  ...all.reduce<Record<string, TextVariable>>((sum, { environment }) => ({ ...sum, ...environment }), {}),
});
