import { Counter, Gauge, Histogram } from 'prom-client';
import type { Metric, Registry } from 'prom-client';

/** Metrics by the name code has for them, each made for the registry of one app. */
export type MetricDefinitions = Record<string, (registers: Registry[]) => Metric>;
export type MetricsOf<Definitions extends MetricDefinitions> = {
  [Name in keyof Definitions]: ReturnType<Definitions[Name]>;
};

/**
 * Declares metrics where they are counted: a feature in its `metrics.ts`, which its feature.ts names. `metrics.of(…)` of the kit
 * has them. Labels take few values each: never an id, an address or a path with ids in it.
 */
export const defineMetrics = <Definitions extends MetricDefinitions>(definitions: Definitions): Definitions =>
  definitions;

export const counter =
  <Label extends string>(name: string, help: string, labelNames: Label[]) =>
  (registers: Registry[]) =>
    new Counter({ name, help, labelNames, registers });

export const gauge =
  <Label extends string>(name: string, help: string, labelNames: Label[]) =>
  (registers: Registry[]) =>
    new Gauge({ name, help, labelNames, registers });

export const histogram =
  <Label extends string>(name: string, help: string, labelNames: Label[], buckets: number[]) =>
  (registers: Registry[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

// Upper bounds in seconds: of requests, of work that may take long, of what a model may do.
export const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
export const WORK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
export const MODEL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60];
