import type { SearchHit } from '@parley/contract';
import type { Retrieve } from '../../ai/retrieval.ts';
import { searchTerms } from '../../ai/terms.ts';
import { presentHit } from './present.ts';

const BOT_LIMIT = 8;
const BOT_BUDGET = 2600;

/** What a bot would find for this question as the first of a conversation; more than a bot reads when `limit` says so. */
export async function searchKnowledge(
  retrieve: Retrieve,
  wanted: { workspaceId: string; knowledgeBaseId: string; query: string; limit: number },
): Promise<SearchHit[]> {
  const { terms, text } = await searchTerms({ question: wanted.query, history: [] });
  const { passages } = await retrieve({
    workspaceId: wanted.workspaceId,
    knowledgeBaseIds: [wanted.knowledgeBaseId],
    text,
    terms,
    limit: wanted.limit,
    tokenBudget: Math.ceil((BOT_BUDGET * Math.max(wanted.limit, BOT_LIMIT)) / BOT_LIMIT),
  });
  return passages.map(presentHit);
}
