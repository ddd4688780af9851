import { MAX_DOCUMENT_MB } from '@parley/contract';
import { z } from 'zod';
import { defineSettings } from '../config/define.ts';
import { commaList, httpAddress, wholeNumber } from '../config/schemas.ts';
import { isNetwork } from './proxies.ts';

const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

export const httpSettings = defineSettings(
  {
    PORT: {
      schema: z
        .string()
        .regex(/^\d{1,5}$/)
        .transform(Number)
        .refine((port) => port <= 65_535)
        .describe('takes a port from 0 to 65535'),
      group: 'listen',
      description: 'The port to listen on.',
      default: '3000',
    },
    HOST: {
      schema: z
        .string()
        .regex(/^[\w.:-]+$/)
        .refine((host) => URL.canParse(`http://${hostInUrl(host)}`))
        .describe('takes a host name or IP address to listen on'),
      group: 'listen',
      description: 'The address to listen on; 0.0.0.0 for all of this machine.',
      default: '127.0.0.1',
    },
    PUBLIC_URL: {
      schema: httpAddress(),
      group: 'listen',
      description:
        "The address people and platforms reach Parley under: invitation links, webhooks, the widget's snippet.",
      unset: 'http://HOST:PORT',
      example: 'https://support.example.com',
    },
    TRUSTED_PROXIES: {
      schema: z
        .string()
        .transform(commaList)
        .refine((networks) => networks.every(isNetwork))
        .describe('takes addresses or networks (10.0.0.0/8) of proxies in front of Parley, separated by commas'),
      group: 'limits',
      description:
        'Proxies in front of Parley whose X-Forwarded-For is believed: addresses or networks, separated by commas.',
      example: '10.0.0.0/8',
    },
    PARLEY_API_LIMIT_FREE: {
      schema: wholeNumber(1, 1_000_000),
      group: 'limits',
      description: 'Requests a minute that all API keys of a workspace may make together, on the plan "free".',
      default: '100',
    },
    PARLEY_API_LIMIT_PAID: {
      schema: wholeNumber(1, 1_000_000),
      group: 'limits',
      description: 'The same on any other plan.',
      default: '1000',
    },
    MAX_DOCUMENT_MB: {
      schema: wholeNumber(1, 1_000),
      group: 'limits',
      description: 'How large an uploaded document may be, in MB. A proxy in front of Parley has to let it through.',
      default: String(MAX_DOCUMENT_MB),
    },
    PARLEY_DRAIN_NOTICE: {
      schema: wholeNumber(0, 120),
      group: 'process',
      description:
        'Seconds for which a process that was asked to end answers 503 at /health/ready and serves on, so that a load balancer sends nobody to a closed door: a bit more than it needs to notice.',
      default: '0',
    },
  },
  (values) => ({
    host: values.HOST,
    port: values.PORT,
    /** Without a trailing slash. With PORT=0 the caller knows the real one only after listening. */
    publicUrl: values.PUBLIC_URL ?? `http://${hostInUrl(values.HOST)}:${values.PORT}`,
    /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    /** What the API keys of a workspace may ask in a minute. */
    keysPerMinute: { free: values.PARLEY_API_LIMIT_FREE, paid: values.PARLEY_API_LIMIT_PAID },
    maxDocumentBytes: values.MAX_DOCUMENT_MB * 1024 * 1024,
    /** How long a process that was asked to end says so in its health and serves on, before it closes its doors. */
    drainNoticeMs: values.PARLEY_DRAIN_NOTICE * 1_000,
  }),
);
