import { setTimeout as sleep } from 'node:timers/promises';
import type { Metrics } from '../metrics.ts';
import type { PressureReport } from '../pressure.ts';
import type { Http } from './types.ts';

/** Resolves when the dependency works; what it resolves to is shown. Rejects, or takes too long, when it does not. */
export type Probe = () => Promise<unknown>;
export type Health = {
  dependencies: Record<string, Dependency>;
  /** outside services called so far */
  targets: () => Record<string, TargetReport>;
  /** what is refused because there is too much to do */
  pressure?: () => PressureReport;
};

type Finding = { status: 'up' | 'down'; ms: number };

const PROBE_MS = 2_000;
const hidden = { schema: { hide: true } } as const;

const examine = async (probe: Probe): Promise<Finding> => {
  const started = performance.now();
  const limit = new AbortController();
  const late = sleep(PROBE_MS, false, { signal: limit.signal, ref: false });
  // Losing the race is no failure, and neither is being called off.
  const answered = probe().then(
    () => true,
    () => false,
  );
  const up = await Promise.race([answered, late.catch(() => false)]);
  limit.abort();
  return { status: up ? 'up' : 'down', ms: Math.round(performance.now() - started) };
};

const examineAll = async (probes: Record<string, Probe>): Promise<Record<string, Finding>> =>
  Object.fromEntries(
    await Promise.all(Object.entries(probes).map(async ([name, probe]) => [name, await examine(probe)] as const)),
  );

/**
 * /health/live: the process answers. /health/ready: it should get traffic (503 while draining or a dependency is
 * down). /health: every dependency and breaker, 503 when one dependency is down. /metrics for Prometheus.
 * Why a dependency is down goes to the log, never to the answer.
 */
export const healthRoutes = (http: Http, health: Health, metrics: Metrics): void => {
  const startedAt = Date.now();
  const report = async () => {
    const dependencies = await examineAll(health.probes);
    const down = Object.values(dependencies).some(({ status }) => status === 'down');
    return { dependencies, down };
  };

  http.get('/health/live', hidden, async () => ({ status: 'up' }));

  http.get('/health/ready', hidden, async (_request, reply) => {
    if (http.isDraining()) return reply.code(503).send({ status: 'draining' });
    const { down } = await report();
    return reply.code(down ? 503 : 200).send({ status: down ? 'down' : 'ready' });
  });

  http.get('/health', hidden, async (_request, reply) => {
    const { dependencies, down, strained } = await examineNow();
    const targets = health.targets();
    const breakers = Object.fromEntries(Object.entries(targets).map(([target, { state }]) => [target, state]));
    const broken = Object.values(breakers).some((state) => state !== 'closed');
    const pressure = health.pressure?.();
    const pressed = pressure !== undefined && pressure.refused.length > 0;
    const status = http.isDraining() ? 'draining' : down ? 'down' : strained || broken || pressed ? 'degraded' : 'up';
    const uptimeSeconds = Math.round((Date.now() - startedAt) / 1_000);
    return reply.code(down ? 503 : 200).send({ status, uptimeSeconds, dependencies, breakers, targets, pressure });
  });

  http.get('/metrics', hidden, async (_request, reply) => {
    const { contentType, body } = await metrics.render();
    return reply.header('content-type', contentType).send(body);
  });
};
