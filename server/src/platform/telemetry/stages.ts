import type { Metrics } from './metrics.ts';
import { inSpan } from './tracing.ts';

export type Stage = 'store' | 'terms' | 'retrieve' | 'model' | 'finish';

/** Runs a stage of a turn: its time is counted, and where traces are recorded it is a span. */
export const stageTimer =
  (metrics: Pick<Metrics, 'turnStages'>) =>
  async <T>(stage: Stage, work: () => Promise<T>): Promise<T> => {
    const end = metrics.turnStages.startTimer({ stage });
    try {
      return await inSpan(stage, {}, work);
    } finally {
      end();
    }
  };
