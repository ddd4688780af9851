import type { Bot } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    bot: string;
    trace: string;
  }
}

export const example: WalkExample = {
  make: {
    bot: async ({ post, mark, id }) =>
      (await post<Bot>('/bots', { name: `Bot ${mark}`, knowledgeBaseIds: [await id('knowledgeBase')] })).id,
    trace: async ({ post, mark, id }) => {
      // It has to be found first.
      await id('source');
      const question = `a refund at ${mark}?`;
      return (await post<{ traceId: string }>(`/bots/${await id('bot')}/ask`, { question })).traceId;
    },
  },
  segments: { bots: 'bot', traces: 'trace' },
  fields: { botId: 'bot' },
};
