import type { Config } from './platform/config.ts';
import { newId } from './platform/ids.ts';
import type { Logger } from './platform/log.ts';
import { noTracing } from './platform/tracing.ts';
import type { Tracing } from './platform/tracing.ts';

/** The tracing of the configuration. Without a collector nothing of it is loaded. */
export async function openTracing(config: Pick<Config, 'otel' | 'roles'>, log: Logger): Promise<Tracing> {
  const { endpoint, ratio, tell } = config.otel;
  if (!endpoint) return noTracing;
  const { createOtlpTracing } = await import('./platform/tracing-otlp.ts');
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
