import { BookOpen } from '@lucide/vue';
import { knowledgeBasesApi, sourcesApi } from '@parley/contract';
import { editCache, keyOf } from '../../api/cache.ts';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [
      { path: 'knowledge', name: 'knowledge', component: () => import('./KnowledgePage.vue') },
      { path: 'knowledge/:id', name: 'base', component: () => import('./KnowledgeBasePage.vue') },
      { path: 'knowledge/:id/sources/:sourceId', name: 'source', component: () => import('./SourcePage.vue') },
    ],
  },
  navigation: [
    {
      in: 'answers',
      order: 20,
      to: '/studio/knowledge',
      label: 'studio.knowledge',
      text: 'studio.knowledgeText',
      icon: BookOpen,
      permission: 'knowledge:read',
    },
  ],
  live: ({ client, refreshSoon }) => ({
    'source:updated': (source) => {
      const { id, knowledgeBaseId } = source;
      const cache = editCache(client);
      cache.changeItems(sourcesApi.list, { params: { id: knowledgeBaseId } }, (item) =>
        item.id === id ? source : item,
      );
      cache.change(sourcesApi.get, { params: { id } }, (known) => ({ ...known, ...source }));
      if (source.status !== 'ready' && source.status !== 'failed') return;
      void client.invalidateQueries({ queryKey: keyOf(sourcesApi.listChunks, { params: { id } }) });
      refreshSoon(knowledgeBasesApi.list, knowledgeBasesApi.get);
    },
  }),
});
