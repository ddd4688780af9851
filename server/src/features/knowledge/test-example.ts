import type { Chunk, KnowledgeBase, Source } from '@parley/contract';
import { until } from '../../test/app.ts';
import type { Making, WalkExample } from '../../test/security/examples.ts';
import { fileForm } from '../../test/security/requests.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    knowledgeBase: string;
    source: string;
    documentSource: string;
    chunk: string;
  }
}

async function add({ post, call, id }: Making, kind: string, body: unknown): Promise<string> {
  const source = await post<Source>(`/knowledge-bases/${await id('knowledgeBase')}/${kind}`, body);
  await until(async () => (await call<Source>('GET', `/sources/${source.id}`)).status === 'ready', 'a source is ready');
  return source.id;
}

export const example: WalkExample = {
  make: {
    knowledgeBase: async ({ post, mark }) =>
      (await post<KnowledgeBase>('/knowledge-bases', { name: `Base ${mark}` })).id,
    source: (making) =>
      add(making, 'sources', {
        type: 'faq',
        question: `How long does a refund take at ${making.mark}?`,
        answer: `A refund takes five working days at ${making.mark} after we have received the parcel.`,
      }),
    documentSource: (making) => add(making, 'documents', fileForm(`${making.mark}.txt`, making.mark)),
    chunk: async ({ call, id }) => (await call<Chunk[]>('GET', `/sources/${await id('source')}/chunks`))[0]?.id ?? '',
  },
  segments: { 'knowledge-bases': 'knowledgeBase', sources: 'source', passages: 'chunk' },
  fields: { knowledgeBaseIds: 'knowledgeBase' },
};
