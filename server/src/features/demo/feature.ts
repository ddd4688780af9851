import { defineFeature } from '../../feature.ts';
import { createDemo } from './demo.ts';
import type { Demo } from './demo.ts';
import { demoSettings } from './settings.ts';

declare module '../../kit.ts' {
  interface Services {
    demo: Demo;
  }
}

/** How long the start waits for the guides to be read. */
const PATIENCE_MS = 30_000;

export const demo = defineFeature({
  name: 'demo',
  settings: [demoSettings],
  uses: ['config', 'settingsOf', 'store', 'storage', 'knowledgeProcessing', 'log', 'demo'],
  provides: {
    demo: ({ store, storage, knowledgeProcessing: knowledge, log }) => createDemo({ store, storage, knowledge, log }),
  },
  setUp({ config, settingsOf, demo: made }) {
    const isWanted = settingsOf(demoSettings).PARLEY_DEMO;
    const { api, worker } = config.roles;
    return {
      firstSteps: async () => (isWanted ? made.ensure() : undefined),
      listening: async () => (isWanted && api && worker.knowledge ? made.read(PATIENCE_MS) : undefined),
      ...(isWanted && api ? { links: { demo: '/demo' } } : {}),
    };
  },
});
