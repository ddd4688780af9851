import type { Envelope, JobQueue, JobsBackend } from './backend.ts';
import type { Logger } from '../telemetry/log.ts';
import type { When } from './types.ts';

const LOOK_MS = 30_000;

type Schedule = { name: string; when: When; data: Envelope; queue: JobQueue };

/** The schedules this process asked for, seen to: they live with the jobs, and are made again when they are lost with them. */
export function createSchedules(deps: {
  backend: Pick<JobsBackend, 'alone'>;
  log: Logger;
  lookMs?: number | undefined;
}) {
  const { backend, log, lookMs = LOOK_MS } = deps;
  const asked = new Map<string, Schedule>();
  let timer: NodeJS.Timeout | undefined;

  const make = ({ name, when, data, queue }: Schedule): Promise<unknown> => {
    const repeat = 'everyMs' in when ? { every: when.everyMs } : { pattern: when.cron, tz: when.timeZone ?? 'UTC' };
    return queue.upsertJobScheduler(name, repeat, { name, data });
  };

  async function look(): Promise<void> {
    for (const schedule of asked.values()) {
      try {
        if (await schedule.queue.getJobScheduler(schedule.name)) continue;
        await backend.alone(async () => {
          if (!(await schedule.queue.getJobScheduler(schedule.name))) await make(schedule);
        });
      } catch (error) {
        log.warn({ err: error, queue: schedule.name }, 'a schedule was not looked after');
      }
    }
  }

  return {
    async add(schedule: Schedule): Promise<void> {
      await backend.alone(() => make(schedule));
      asked.set(schedule.name, schedule);
      timer ??= setInterval(() => void look(), lookMs).unref();
    },
    close: () => clearInterval(timer),
  };
}
