import type { Http, SignedIn, Dependency } from './platform/http/index.ts';
import type { Signal } from './platform/limits/pressure.ts';
import type { Settings, SettingsOf } from './platform/config/define.ts';
import type { FactDefinitions } from './platform/facts/define.ts';
import type { QueueDefinition } from './platform/jobs/jobs.ts';
import type { Reaction } from './platform/facts/reactions.ts';
import type { MetricDefinitions } from './platform/telemetry/define-metrics.ts';
import type { Sweep } from './platform/sweeps/sweeps.ts';
import type { AgentEvents, VisitorEvents } from './platform/sockets/socket-events.ts';
import type { FastifyRequest } from 'fastify';
import type { Kit, Services } from './kit.ts';

/** What a feature adds to the product, in one process with the roles it has. All of it is optional. */
export type FeatureParts = {
  /** Under /api/v1; in processes with the role `api`, as `pages` are. */
  routes?(api: Http): void;
  /** Beside the API: pages, webhooks of platforms. */
  pages?(http: Http): void | Promise<void>;
  /** What agents, and what visitors may say over their sockets; in processes with the role `api`, as routes are. */
  agentEvents?(http: Http): AgentEvents;
  visitorEvents?(http: Http): VisitorEvents;
  /** Opens the sockets, with the events of all features; one feature does. */
  sockets?(events: { agent: AgentEvents; visitor: VisitorEvents }): void;
  reactions?: Reaction[];
  sweeps?: Sweep[];
  /** Who sends a request; one feature says. */
  authenticate?(request: FastifyRequest): Promise<SignedIn | null>;
  /** What this process rests on, by name, for /health. */
  health?: Record<string, Dependency>;
  /** What the pressure of this process is measured by, beside its own resources. */
  signals?: Signal[];
  /** What else is deleted with rows that are no longer kept, by the table of `months` they are in; `before` by their time. */
  deleteExpired?: Readonly<Record<string, (before: Date) => Promise<void>>>;
  /** Before anything runs: what a dead process left. */
  recover?(): Promise<void>;
  /** The first steps of an installation: of several processes that start at once one does them, the others find them done. */
  firstSteps?(): Promise<{ setupUrl: string | undefined } | void>;
  /** Work of this process begins. */
  start?(): void;
  /** The server listens, and what people see first is prepared. */
  listening?(): Promise<void>;
  /** Pages the start screen names, by name. */
  links?: Record<string, string>;
  /** The process is about to end: new connections are refused. */
  retire?(): void;
  /** Running work finishes or hands itself over. */
  close?(): void | Promise<void>;
  /** After everything that works and emits has ended. */
  release?(): void | Promise<void>;
};

/** Notifications of other processes: `work` is taken by any of them that can do it, `broadcast` by all. */
export type Topics = { work?: string[]; broadcast?: string[] };

export type Feature = {
  name: string;
  /** the parts of the kit it gets, and no others */
  uses: readonly (keyof Kit)[];
  /** The tables it owns: SQL elsewhere names them only with a reason (`npm run check`). */
  tables?: readonly string[];
  /** Those of its tables whose rows change all the time: the embedded database has no autovacuum that sees to them. */
  busy?: readonly string[];
  /**
   * Those of its tables that are partitioned by month (docs/decisions/0022-partitions-by-month.md), and for how many whole months
   * besides the current one they are kept; 0: for ever.
   */
  months?: Readonly<Record<string, (settingsOf: SettingsOf) => number>>;
  facts?: { definitions: FactDefinitions };
  /** What it takes of the environment; it has the values of `settingsOf`. */
  settings?: readonly Settings[];
  /** What it counts; it has them of `metrics.of`. */
  metrics?: readonly MetricDefinitions[];
  /** Where its work waits; it has them of `queueOf`. Those of reactions are made for them. */
  queues?: readonly QueueDefinition<unknown>[];
  topics?: Topics;
  /** Services for others, made when one of them first asks. */
  provides?: { [K in keyof Services]?: (kit: Kit) => Services[K] };
  setUp?(kit: Kit): FeatureParts;
};

/**
 * The one shape in which a feature declares itself. It gets the parts of the kit it names in `uses`, so that what it depends
 * on is visible; services are added to the kit by declaring them in `Services` of kit.ts and making them in `provides`.
 */
export function defineFeature<const U extends keyof Kit>(
  feature: Omit<Feature, 'uses' | 'provides' | 'setUp'> & {
    uses: readonly U[];
    provides?: { [K in keyof Services]?: (kit: Pick<Kit, U>) => Services[K] };
    setUp?(kit: Pick<Kit, U>): FeatureParts;
  },
): Feature {
  return feature;
}
