import { z } from 'zod';
import { defineSettings } from '../config/define.ts';
import { commaList, httpAddress } from '../config/schemas.ts';

export const telemetrySettings = defineSettings(
  {
    LOG_LEVEL: {
      schema: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .describe('takes one of fatal, error, warn, info, debug, trace, silent'),
      group: 'watching',
      description: 'fatal, error, warn, info, debug, trace or silent.',
      default: 'info',
    },
    OTEL_EXPORTER_OTLP_ENDPOINT: {
      schema: httpAddress(),
      group: 'watching',
      description:
        'A collector for traces, sent by OTLP over HTTP to /v1/traces below this address. Without it nothing of OpenTelemetry is loaded.',
    },
    OTEL_TRACES_SAMPLER_ARG: {
      schema: z
        .string()
        .regex(/^(0(\.\d+)?|1(\.0+)?)$/)
        .transform(Number)
        .describe('takes the share of traces to record, from 0 to 1'),
      group: 'watching',
      description: 'The share of traces to record, from 0 to 1.',
      default: '1',
    },
    PARLEY_TRACE_HOSTS: {
      schema: z
        .string()
        .transform(commaList)
        .refine((hosts) =>
          hosts.every((host) => URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host),
        )
        .describe('takes hosts (host or host:port) separated by commas whose calls carry the trace'),
      group: 'watching',
      description:
        'Hosts (host or host:port, with commas) whose calls carry the trace: a model server of your own, say.',
    },
  },
  (values) => ({
    log: { level: values.LOG_LEVEL },
    otel: {
      endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      ratio: values.OTEL_TRACES_SAMPLER_ARG,
      tell: values.PARLEY_TRACE_HOSTS ?? [],
    },
  }),
);
