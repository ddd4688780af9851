import { defineFeature } from '../../feature.ts';
import { createDemo } from './demo.ts';
import type { Demo } from './demo.ts';

declare module '../../kit.ts' {
  interface Services {
    demo: Demo;
  }
}

/** How long the start waits for the guides to be read. */
const PATIENCE_MS = 30_000;

export const demo = defineFeature({
  name: 'demo',
  uses: ['config', 'store', 'storage', 'knowledgeProcessing', 'log', 'demo'],
  provides: {
    demo: ({ store, storage, knowledgeProcessing: knowledge, log }) => createDemo({ store, storage, knowledge, log }),
  },
  setUp: ({ config, demo: made }) => ({
    firstSteps: async () => (config.demo ? made.ensure() : undefined),
    listening: async () =>
      config.demo && config.roles.api && config.roles.worker.knowledge ? made.read(PATIENCE_MS) : undefined,
  }),
});
