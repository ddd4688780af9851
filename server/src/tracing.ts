import type { Config } from './platform/config/config.ts';
import { newId } from './platform/data/ids.ts';
import type { Logger } from './platform/telemetry/log.ts';
import { noTracing } from './platform/telemetry/tracing.ts';
import type { Tracing } from './platform/telemetry/tracing.ts';

/** The tracing of the configuration. Without a collector nothing of it is loaded. */
export async function openTracing(config: Pick<Config, 'otel' | 'roles'>, log: Logger): Promise<Tracing> {
  const { endpoint, ratio, tell } = config.otel;
  if (!endpoint) return noTracing;
  const { createOtlpTracing } = await import('./platform/telemetry/tracing-otlp.ts');
  const worker = Object.entries(config.roles.worker).flatMap(([name, isOn]) => (isOn ? [name] : []));
  const roles = [...(config.roles.api ? ['api'] : []), ...worker].join(',');
  return createOtlpTracing({
    endpoint,
    ratio,
    tell,
    log,
    process: { 'service.instance.id': newId(), 'parley.roles': roles },
  });
}
