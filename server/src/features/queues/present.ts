import type { FailedJob, Queue } from '@parley/contract';
import type { DeadJob, QueueState } from '../../platform/jobs/jobs.ts';
import { redact, redactString } from '../../platform/telemetry/redact.ts';

export const presentQueue = ({ rate, waited, ...state }: QueueState): Queue => ({
  ...state,
  rate: rate && { max: rate.max, perSeconds: rate.perMs / 1_000 },
  waited: waited && { p50Ms: waited.p50, p95Ms: waited.p95, jobs: waited.jobs },
});

/**
 * A payload as even the operator may see it: ids and kinds of things, none of the words of customers and no secret, as
 * in the log.
 */
const presentPayload = (payload: unknown): unknown => {
  const text = JSON.stringify(redact(payload));
  return text === undefined ? null : (JSON.parse(redactString(text)) as unknown);
};

export const presentFailedJob = ({ failedAt, payload, error, ...job }: DeadJob): FailedJob => ({
  ...job,
  error: redactString(error),
  payload: presentPayload(payload),
  failedAt: failedAt?.toISOString() ?? null,
});
