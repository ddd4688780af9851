import type { FastifyRequest } from 'fastify';
import { labelOf } from '../outbound/breaker.ts';
import type { BreakerState, TargetReport } from '../outbound/breaker.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { PressureReport } from '../limits/pressure.ts';
import type { ReplicaReport } from '../data/replicas.ts';
import type { Http, SignedIn } from './types.ts';

/** Resolves when the dependency works. Rejects, or takes too long, when it does not. */
export type Probe = () => Promise<unknown>;

/** `needed`: this process cannot do its part without it. Without the others it goes on, and does less. */
export type Dependency = { needed: boolean; probe: Probe };

export type Health = {
  dependencies: Record<string, Dependency>;
  /** outside services called so far */
  targets: () => Record<string, TargetReport>;
  /** where heavy reads go besides the database */
  replicas?: () => ReplicaReport[];
  /** what is refused because there is too much to do */
  pressure?: () => PressureReport;
};

type Finding = { status: 'up' | 'down'; needed: boolean; ms: number };

const PROBE_MS = 2_000;
/** However many ask, a dependency is asked once a second. */
const KEPT_MS = 1_000;
const hidden = { schema: { hide: true } } as const;

async function examine({ needed, probe }: Dependency): Promise<Finding> {
  const started = performance.now();
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, PROBE_MS, false);
  timer.unref();
  // Losing the race is no failure of the process, and neither is a probe that throws at once.
  const answered = Promise.try(probe).then(
    () => true,
    () => false,
  );
  const up = await Promise.race([answered, late]);
  clearTimeout(timer);
  return { status: up ? 'up' : 'down', needed, ms: Math.round(performance.now() - started) };
}

/**
 * Asks every dependency at once. Callers within a second share the answers. A probe that is still under way, however
 * late, is not started again beside itself.
 */
export function createExamination(dependencies: Record<string, Dependency>) {
  const underWay = new Map<string, Promise<unknown>>();
  let kept: { at: number; findings: Promise<Record<string, Finding>> } | undefined;

  const alone = (name: string, probe: Probe): Probe => {
    return () => {
      const running = underWay.get(name);
      if (running) return running;
      const started = Promise.try(probe).finally(() => underWay.delete(name));
      underWay.set(name, started);
      return started;
    };
  };
  const guarded = Object.entries(dependencies).map(
    ([name, { needed, probe }]) => [name, { needed, probe: alone(name, probe) }] as const,
  );

  async function examineAll(): Promise<Record<string, Finding>> {
    const findings = guarded.map(async ([name, dependency]) => [name, await examine(dependency)] as const);
    return Object.fromEntries(await Promise.all(findings));
  }

  return function look(): Promise<Record<string, Finding>> {
    if (!kept || performance.now() - kept.at >= KEPT_MS) kept = { at: performance.now(), findings: examineAll() };
    return kept.findings;
  };
}

/** What anybody may know: which parts work. No figure, and no name a workspace chose or owns. */
export type HealthSummary = {
  status: 'up' | 'degraded' | 'down' | 'draining';
  dependencies: Record<string, { status: 'up' | 'down'; needed: boolean }>;
  /** by kind of service; of several of a kind, the worst */
  breakers: Record<string, BreakerState>;
  replicas?: { name: string; state: string }[] | undefined;
  pressure?: { refused: string[] } | undefined;
};

export type HealthReports = {
  summary(): Promise<HealthSummary>;
  /** With figures and every single service, of all workspaces: for whoever runs the installation. */
  whole(): Promise<HealthSummary & { uptimeSeconds: number; targets: Record<string, TargetReport> }>;
};

const worse: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

export function breakersByKind(targets: Record<string, TargetReport>): Record<string, BreakerState> {
  const kinds: Record<string, BreakerState> = {};
  for (const [target, { state }] of Object.entries(targets)) {
    const kind = labelOf(target);
    if (worse[state] >= worse[kinds[kind] ?? 'closed']) kinds[kind] = state;
  }
  return kinds;
}

/** Those who look after the queues of the installation look after all of it: owners of its first workspace. */
export const isOperator = ({ permissions }: Pick<SignedIn, 'permissions'>): boolean => permissions.has('queues:read');

/**
 * /health/live: the process answers; asks nobody. /health/ready: it should get traffic (503 while draining, or while
 * something it needs is down). /health: every dependency and kind of outside service; 503 when something needed is down;
 * with the operator's login also figures and each service. /metrics for Prometheus. Names and figures only: why something
 * is down goes to the log, never to the answer.
 */
export const healthRoutes = (
  http: Http,
  health: Health,
  metrics: Metrics,
  authenticate: (request: FastifyRequest) => Promise<SignedIn | null>,
): void => {
  const startedAt = Date.now();
  const look = createExamination(health.dependencies);

  const examineNow = async () => {
    const dependencies = await look();
    const found = Object.values(dependencies);
    const isDown = (finding: Finding): boolean => finding.status === 'down';
    for (const [dependency, finding] of Object.entries(dependencies))
      metrics.dependencyUp.set({ dependency }, isDown(finding) ? 0 : 1);
    return {
      dependencies,
      down: found.some((finding) => finding.needed && isDown(finding)),
      strained: found.some(isDown),
    };
  };
  metrics.beforeRender(async () => void (await examineNow()));

  const whole = async () => {
    const { dependencies, down, strained } = await examineNow();
    const targets = health.targets();
    const breakers = breakersByKind(targets);
    const broken = Object.values(breakers).some((state) => state !== 'closed');
    const pressure = health.pressure?.();
    const pressed = pressure !== undefined && pressure.refused.length > 0;
    const replicas = health.replicas?.();
    const replicaDown = replicas?.some(({ state }) => state === 'down') ?? false;
    const ill = strained || broken || replicaDown || pressed;
    const status = http.isDraining() ? 'draining' : down ? 'down' : ill ? 'degraded' : 'up';
    const uptimeSeconds = Math.round((Date.now() - startedAt) / 1_000);
    return { status, uptimeSeconds, dependencies, breakers, targets, replicas, pressure, down } as const;
  };
  const forTheOperator = async () => {
    const { down: _down, ...report } = await whole();
    return report;
  };
  const forAnybody = ({ status, dependencies, breakers, replicas, pressure }: Awaited<ReturnType<typeof whole>>) => ({
    status,
    dependencies: Object.fromEntries(
      Object.entries(dependencies).map(([name, { status: is, needed }]) => [name, { status: is, needed }]),
    ),
    breakers,
    replicas: replicas?.map(({ name, state }) => ({ name, state })),
    pressure: pressure && { refused: pressure.refused },
  });
  http.decorate('health', { summary: async () => forAnybody(await whole()), whole: forTheOperator });

  /** While the database is away nobody can be known, and this still has to answer. */
  const isAsked = async (request: FastifyRequest): Promise<boolean> => {
    // Of logins alone, which are read without the database where they are none of ours: nobody else may see the whole.
    if (!/^bearer eyJ/i.test(request.headers.authorization ?? '')) return false;
    const signedIn = await authenticate(request).catch(() => null);
    return signedIn !== null && isOperator(signedIn);
  };

  http.get('/health/live', hidden, async () => ({ status: 'up' }));

  http.get('/health/ready', hidden, async (_request, reply) => {
    if (http.isDraining()) return reply.code(503).send({ status: 'draining' });
    const { down } = await examineNow();
    return reply.code(down ? 503 : 200).send({ status: down ? 'down' : 'ready' });
  });

  http.get('/health', hidden, async (request, reply) => {
    const [byOperator, { down, ...report }] = await Promise.all([isAsked(request), whole()]);
    return reply.code(down ? 503 : 200).send(byOperator ? report : forAnybody({ ...report, down }));
  });

  http.get('/metrics', hidden, async (_request, reply) => {
    const { contentType, body } = await metrics.render();
    return reply.header('content-type', contentType).send(body);
  });
};
