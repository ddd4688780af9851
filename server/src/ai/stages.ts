import { defineMetrics, histogram, WORK_BUCKETS } from '../platform/telemetry/define-metrics.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { inSpan } from '../platform/telemetry/tracing.ts';

export const stageMetrics = defineMetrics({
  /** stages: wait, store, terms, retrieve, model, paragraph, finish */
  turnStages: histogram('parley_turn_stage_duration_seconds', 'Parts of a bot turn', ['stage'], WORK_BUCKETS),
});

export type Stage = 'store' | 'terms' | 'retrieve' | 'model' | 'finish';

/** Runs a stage of a turn: its time is counted, and where traces are recorded it is a span. */
export const stageTimer = (metrics: Metrics) => {
  const { turnStages } = metrics.of(stageMetrics);
  return async <T>(stage: Stage, work: () => Promise<T>): Promise<T> => {
    const end = turnStages.startTimer({ stage });
    try {
      return await inSpan(stage, {}, work);
    } finally {
      end();
    }
  };
};
