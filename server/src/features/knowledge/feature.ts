import { defineFeature } from '../../feature.ts';
import { createBundledEmbedder } from '../../knowledge/embed.ts';
import type { Embedder } from '../../knowledge/embed.ts';
import { knowledgeFacts } from './facts.ts';
import { createKnowledgeProcessing } from './processors.ts';
import type { KnowledgeProcessing } from './processors.ts';
import { knowledgeQueue } from './queue.ts';
import { knowledgeRoutes } from './routes.ts';

declare module '../../kit.ts' {
  interface Services {
    embedder: Embedder;
    knowledgeProcessing: KnowledgeProcessing;
  }
}

export const knowledge = defineFeature({
  name: 'knowledge',
  tables: ['knowledge_bases', 'sources', 'chunks'],
  busy: ['sources'],
  uses: ['config', 'log', 'store', 'storage', 'queueOf', 'publish', 'embedder', 'knowledgeProcessing'],
  facts: knowledgeFacts,
  queues: [knowledgeQueue],
  provides: { embedder: () => createBundledEmbedder(), knowledgeProcessing: createKnowledgeProcessing },
  setUp({ config, knowledgeProcessing: processing, ...kit }) {
    const { api, worker } = config.roles;
    // A probe that fails takes a process out of the traffic: needed is only what it can do nothing without.
    const onlyReads = worker.knowledge && !(api || worker.turn || worker.delivery);
    if (worker.knowledge) processing.work();
    return {
      routes: (http) => knowledgeRoutes(http, { ...kit, processing }),
      sweeps: [{ name: 'unfinished sources', run: () => processing.resumeUnfinished() }],
      health: {
        files: { needed: onlyReads, probe: kit.storage.probe },
        embedder: { needed: onlyReads, probe: kit.embedder.probe },
      },
      release: () => kit.embedder.close(),
    };
  },
});
