import { z } from 'zod';
import {
  Id,
  Timestamp,
  line,
  prose,
  IdParams,
  success,
  CursorQuery,
  cursored,
  PageQuery,
  paged,
  Done,
} from './common.ts';
import { BotTexts, Choice, TextCatalogue } from './bot-texts.ts';
import { HandoffReason } from './handoff-reasons.ts';
import { Deletion } from './deletions.ts';
import { api, get, patch, post, remove } from './declare.ts';

export const ReplyUnknown = z.enum(['INPUT_ANSWER', 'AI_GENERATE', 'NO_REPLY']);
export type ReplyUnknown = z.infer<typeof ReplyUnknown>;

/** `builtin/extractive` needs no key and quotes the sources; the rest is `<provider>/<model name>`. */
export const ModelName = z
  .string()
  .max(120)
  .regex(
    /^(builtin\/extractive|(openai|anthropic|google)\/[\w.:@/-]+)$/,
    'is builtin/extractive, openai/…, anthropic/… or google/…',
  );

const botFields = {
  name: line(80),
  model: ModelName,
  temperature: z.number().min(0).max(2),
  systemPrompt: prose(8000),
  greeting: prose(1000),
  suggestedQuestions: z.array(line(120)).max(5),
  knowledgeBaseIds: z.array(Id).max(50),
  handoffEnabled: z.boolean(),
  /** 0 to 1: below this confidence the bot does not answer */
  handoffThreshold: z.number().min(0).max(1),
  /** so many questions in a row without an answer, and the bot hands over by itself; 0 at once, null never */
  missesBeforeHandoff: z.int().min(0).max(20).nullable(),
  /** whether the bot goes on answering what it knows while the customer waits for a person */
  answersWhileWaiting: z.boolean(),
  typeReplyUnknown: ReplyUnknown,
  /** '' is the catalogue's text, in the customer's language */
  unknownAnswer: prose(2000),
  texts: BotTexts,
  languages: z
    .array(
      z
        .string()
        .max(10)
        .regex(/^[a-z]{2}(-[A-Z]{2})?$/),
    )
    .max(20),
};

export const BotInput = z.strictObject({
  name: botFields.name,
  model: botFields.model.default('builtin/extractive'),
  temperature: botFields.temperature.default(0.2),
  systemPrompt: botFields.systemPrompt.default(''),
  greeting: botFields.greeting.default(''),
  suggestedQuestions: botFields.suggestedQuestions.default([]),
  knowledgeBaseIds: botFields.knowledgeBaseIds.default([]),
  handoffEnabled: botFields.handoffEnabled.default(true),
  handoffThreshold: botFields.handoffThreshold.default(0.5),
  missesBeforeHandoff: botFields.missesBeforeHandoff.default(2),
  answersWhileWaiting: botFields.answersWhileWaiting.default(true),
  typeReplyUnknown: botFields.typeReplyUnknown.default('INPUT_ANSWER'),
  unknownAnswer: botFields.unknownAnswer.default(''),
  texts: botFields.texts.default({}),
  languages: botFields.languages.default(['en']),
});
export type BotInput = z.infer<typeof BotInput>;
export const BotPatch = z.strictObject(botFields).partial();
export type BotPatch = z.infer<typeof BotPatch>;
export const Bot = z.object({ id: Id, ...botFields, createdAt: Timestamp, updatedAt: Timestamp }).extend({
  name: z.string(),
  model: z.string(),
  systemPrompt: z.string(),
  greeting: z.string(),
  unknownAnswer: z.string(),
  suggestedQuestions: z.array(z.string()),
  texts: z.record(z.string(), z.string()),
});
export type Bot = z.infer<typeof Bot>;

export const Citation = z.object({
  /** 1-based, as shown on the chip */
  number: z.int(),
  chunkId: Id,
  sourceId: Id,
  sourceType: z.string(),
  title: z.string(),
  headingPath: z.string(),
  quote: z.string(),
  url: z.string().nullable(),
});
export type Citation = z.infer<typeof Citation>;

/** Where a conversation with a bot stands; given back with the next question, since nothing of it is stored. */
export const AskState = z.strictObject({
  /** questions in a row without an answer */
  misses: z.int().min(0).max(1000),
  /** handed over: a person would answer */
  waiting: z.boolean(),
});
export type AskState = z.infer<typeof AskState>;

const askedWith = {
  history: z
    .array(
      z.strictObject({
        role: z.enum(['customer', 'bot']),
        text: prose(10_000),
        choices: z
          .array(Choice.extend({ text: z.string().max(1_000) }))
          .max(5)
          .optional(),
      }),
    )
    .max(20)
    .default([]),
  state: AskState.default({ misses: 0, waiting: false }),
  /** of the asker, as a contact's: used where the words do not tell */
  language: z.string().max(35).optional(),
};
/** A question, or in its place a tap (`action`); `start` asks for the greeting. */
export const AskInput = z.union([
  z.strictObject({ question: line(10_000), ...askedWith }),
  z.strictObject({ action: z.enum(['start', 'request_agent', 'ask_differently']), ...askedWith }),
]);
export type AskInput = z.infer<typeof AskInput>;
export const Ask = z.object({
  answer: z.string(),
  haveEnoughInformation: z.boolean(),
  /** 0 to 1 */
  confidence: z.number(),
  citations: z.array(Citation),
  /** how it came about; null where nothing was looked for, as in small talk */
  traceId: Id.nullable(),
  /** what a customer would see, in order: the bot's messages, and lines that tell what happened */
  messages: z.array(
    z.object({
      author: z.enum(['bot', 'system']),
      text: z.string(),
      citations: z.array(Citation),
      choices: z.array(Choice),
    }),
  ),
  /** why a person would be asked for; null while the bot has the conversation */
  handoff: HandoffReason.nullable(),
  state: AskState,
});
export type Ask = z.infer<typeof Ask>;

/** The flight recorder of one answer. Scores are 0 to 1, times milliseconds. */
export const Trace = z.object({
  id: Id,
  botId: Id.nullable(),
  conversationId: Id.nullable(),
  turnId: Id.nullable(),
  question: z.string(),
  createdAt: Timestamp,
  model: z.string(),
  terms: z.array(z.string()),
  passages: z.array(
    z.object({
      chunkId: Id,
      sourceId: Id,
      sourceType: z.string(),
      title: z.string(),
      headingPath: z.string(),
      text: z.string(),
      vectorScore: z.number().nullable(),
      textScore: z.number().nullable(),
      score: z.number(),
      used: z.boolean(),
    }),
  ),
  prompt: z.string(),
  verdict: z.enum(['YES', 'NO']).nullable(),
  confidence: z.number(),
  outcome: z.string(),
  answer: z.string(),
  usage: z.object({ inputTokens: z.int(), outputTokens: z.int() }),
  timings: z.object({ terms: z.number(), retrieval: z.number(), model: z.number(), total: z.number() }),
  error: z.string().nullable(),
});
export type Trace = z.infer<typeof Trace>;

export const botsApi = api('Bots', {
  ask: post('/bots/:id/ask', 'bots:read', {
    summary: 'Ask a bot, without a conversation',
    params: IdParams,
    body: AskInput,
    response: success(Ask),
  }),
  listTraces: get('/bots/:id/traces', 'bots:read', {
    summary: 'List how a bot came to its answers',
    params: IdParams,
    query: CursorQuery,
    response: cursored(Trace),
  }),
  getTrace: get('/traces/:id', 'bots:read', {
    summary: 'Read how an answer came about',
    params: IdParams,
    response: success(Trace),
  }),
  list: get('/bots', 'bots:read', { summary: 'List bots', query: PageQuery, response: paged(Bot) }),
  create: post('/bots', 'bots:write', { summary: 'Make a bot', body: BotInput, status: 201, response: success(Bot) }),
  listTexts: get('/bot-texts', 'bots:read', {
    summary: 'Read what bots say in their own name, in every language',
    response: success(TextCatalogue),
  }),
  get: get('/bots/:id', 'bots:read', { summary: 'Read a bot', params: IdParams, response: success(Bot) }),
  update: patch('/bots/:id', 'bots:write', {
    summary: 'Change a bot',
    params: IdParams,
    body: BotPatch,
    response: success(Bot),
  }),
  previewDeletion: get('/bots/:id/deletion', 'bots:write', {
    summary: 'What the deletion of a bot takes with it, and what becomes of the rest',
    params: IdParams,
    response: success(Deletion),
  }),
  remove: remove('/bots/:id', 'bots:write', { summary: 'Delete a bot', params: IdParams, response: success(Done) }),
});
