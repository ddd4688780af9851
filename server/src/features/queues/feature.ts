import { defineFeature } from '../../feature.ts';
import { queueRoutes } from './routes.ts';
import { queueSocketEvents } from './socket.ts';

export const queues = defineFeature({
  name: 'queues',
  uses: ['jobs', 'log', 'config', 'store', 'outbound'],
  setUp({ jobs, log, config, store, outbound }) {
    const { api, worker } = config.roles;
    const onlyJobs = (worker.knowledge || worker.facts) && !(api || worker.turn || worker.delivery);
    return {
      routes: (http) => queueRoutes(http, { jobs, log }),
      agentEvents: ({ health }) => queueSocketEvents({ store, health, jobs, targets: outbound.report }),
      health: { jobs: { needed: onlyJobs, probe: jobs.probe } },
    };
  },
});
