import { defineFeature } from '../../feature.ts';
import { queueRoutes } from './routes.ts';

export const queues = defineFeature({
  name: 'queues',
  uses: ['jobs', 'log', 'config'],
  setUp({ jobs, log, config }) {
    const { api, worker } = config.roles;
    const onlyJobs = (worker.knowledge || worker.facts) && !(api || worker.turn || worker.delivery);
    return {
      routes: (http) => queueRoutes(http, { jobs, log }),
      health: { jobs: { needed: onlyJobs, probe: jobs.probe } },
    };
  },
});
