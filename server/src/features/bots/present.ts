import type { Bot, Trace } from '@parley/contract';
import type { bots, traces } from '../../db/schema/index.ts';

/** A row of `bots` with the knowledge bases it reads. */
export type BotRow = typeof bots.$inferSelect & { knowledgeBaseIds: string[] };

/** PostgreSQL's real has seven digits; what was written as 0.2 is to be read as 0.2. */
const asWritten = (value: number): number => Number(value.toPrecision(6));

export const presentBot = (row: BotRow): Bot => ({
  id: row.id,
  name: row.name,
  model: row.model,
  temperature: asWritten(row.temperature),
  systemPrompt: row.systemPrompt,
  greeting: row.greeting,
  suggestedQuestions: row.suggestedQuestions,
  knowledgeBaseIds: row.knowledgeBaseIds,
  handoffEnabled: row.handoffEnabled,
  handoffThreshold: asWritten(row.handoffThreshold),
  missesBeforeHandoff: row.missesBeforeHandoff,
  answersWhileWaiting: row.answersWhileWaiting,
  typeReplyUnknown: row.typeReplyUnknown,
  unknownAnswer: row.unknownAnswer,
  texts: row.texts,
  languages: row.languages,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

export const presentTrace = (row: typeof traces.$inferSelect): Trace => ({
  ...row.record,
  id: row.id,
  botId: row.botId,
  conversationId: row.conversationId,
  turnId: row.turnId,
  question: row.question,
  createdAt: row.createdAt.toISOString(),
});
