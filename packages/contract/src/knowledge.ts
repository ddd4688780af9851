import { z } from 'zod';
import { Id, Timestamp, cleanText, line, prose, PageQuery, IdParams, paged, success, Done } from './common.ts';
import { Deletion } from './deletions.ts';
import { api, get, patch, post, remove } from './declare.ts';

export const KnowledgeBaseInput = z.strictObject({ name: line(80), description: prose(500).default('') });
export const KnowledgeBasePatch = z.strictObject({ name: line(80), description: prose(500) }).partial();
export const KnowledgeBase = z.object({
  id: Id,
  name: z.string(),
  description: z.string(),
  sourceCount: z.int(),
  chunkCount: z.int(),
  botCount: z.int(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type KnowledgeBase = z.infer<typeof KnowledgeBase>;

export const SourceType = z.enum(['document', 'website', 'faq', 'snippet']);
export type SourceType = z.infer<typeof SourceType>;
export const SourceStatus = z.enum(['pending', 'processing', 'ready', 'failed']);
export type SourceStatus = z.infer<typeof SourceStatus>;

const Address = z.url().max(2000).transform(cleanText);

/** Documents arrive by upload; `url` is where a reader can open the original. */
export const SourceInput = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('faq'),
    question: line(1000),
    answer: line(20_000),
    url: Address.optional(),
  }),
  z.strictObject({
    type: z.literal('snippet'),
    title: line(200),
    text: line(200_000),
    url: Address.optional(),
  }),
]);
export type SourceInput = z.infer<typeof SourceInput>;
/** An FAQ's question and answer, or a snippet's title and text; the source is read again. */
export const SourcePatch = z.strictObject({ title: line(1000), content: line(200_000) }).partial();
export const SourceQuery = PageQuery.extend({ status: SourceStatus.optional(), type: SourceType.optional() });

/** What the person who added a source should know of how it was read. `message` is for people, `code` for programs. */
export const SourceWarning = z.object({ code: z.string(), message: z.string() });
export type SourceWarning = z.infer<typeof SourceWarning>;

export const Source = z.object({
  id: Id,
  knowledgeBaseId: Id,
  type: SourceType,
  title: z.string(),
  url: z.string().nullable(),
  /** set for documents: GET /files/:id downloads the original */
  fileId: Id.nullable(),
  status: SourceStatus,
  progress: z.int(),
  error: z.string().nullable(),
  chunkCount: z.int(),
  /** of the original, and how many of them can be found; null until it was read */
  words: z.object({ read: z.int(), searchable: z.int() }).nullable(),
  warnings: z.array(SourceWarning),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Source = z.infer<typeof Source>;
/** The text itself, for the source page. */
export const SourceDetail = Source.extend({ question: z.string().nullable(), content: z.string().nullable() });
export type SourceDetail = z.infer<typeof SourceDetail>;

export const Chunk = z.object({
  id: Id,
  sourceId: Id,
  ordinal: z.int(),
  title: z.string(),
  headingPath: z.string(),
  page: z.int().nullable(),
  text: z.string(),
  tokens: z.int(),
});
export type Chunk = z.infer<typeof Chunk>;

export const SearchInput = z.strictObject({ query: line(2000), limit: z.int().min(1).max(50).default(8) });
/** Scores are 0 to 1. */
export const SearchHit = z.object({
  chunkId: Id,
  sourceId: Id,
  sourceType: SourceType,
  title: z.string(),
  headingPath: z.string(),
  text: z.string(),
  score: z.number(),
  vectorScore: z.number().nullable(),
  textScore: z.number().nullable(),
});
export type SearchHit = z.infer<typeof SearchHit>;

export const sourcesApi = api('Knowledge', {
  list: get('/knowledge-bases/:id/sources', 'knowledge:read', {
    summary: 'List the sources of a knowledge base',
    params: IdParams,
    query: SourceQuery,
    response: paged(Source),
  }),
  create: post('/knowledge-bases/:id/sources', 'knowledge:write', {
    summary: 'Add a question with its answer, or a text',
    params: IdParams,
    body: SourceInput,
    status: 201,
    response: success(Source),
  }),
  upload: post('/knowledge-bases/:id/documents', 'knowledge:write', {
    summary: 'Upload a document',
    params: IdParams,
    upload: 'document',
    status: 201,
    response: success(Source),
  }),
  get: get('/sources/:id', 'knowledge:read', {
    summary: 'Read a source',
    params: IdParams,
    response: success(SourceDetail),
  }),
  update: patch('/sources/:id', 'knowledge:write', {
    summary: 'Change a source',
    params: IdParams,
    body: SourcePatch,
    response: success(SourceDetail),
  }),
  previewDeletion: get('/sources/:id/deletion', 'knowledge:write', {
    summary: 'What the deletion of a source takes with it, and what becomes of the rest',
    params: IdParams,
    response: success(Deletion),
  }),
  remove: remove('/sources/:id', 'knowledge:write', {
    summary: 'Delete a source',
    params: IdParams,
    response: success(Done),
  }),
  retry: post('/sources/:id/retry', 'knowledge:write', {
    summary: 'Read a source again',
    params: IdParams,
    response: success(Source),
  }),
  listChunks: get('/sources/:id/chunks', 'knowledge:read', {
    summary: 'List the passages of a source',
    params: IdParams,
    query: PageQuery,
    response: paged(Chunk),
  }),
});

export const knowledgeBasesApi = api('Knowledge', {
  list: get('/knowledge-bases', 'knowledge:read', {
    summary: 'List knowledge bases',
    query: PageQuery,
    response: paged(KnowledgeBase),
  }),
  create: post('/knowledge-bases', 'knowledge:write', {
    summary: 'Make a knowledge base',
    body: KnowledgeBaseInput,
    status: 201,
    response: success(KnowledgeBase),
  }),
  get: get('/knowledge-bases/:id', 'knowledge:read', {
    summary: 'Read a knowledge base',
    params: IdParams,
    response: success(KnowledgeBase),
  }),
  update: patch('/knowledge-bases/:id', 'knowledge:write', {
    summary: 'Rename a knowledge base',
    params: IdParams,
    body: KnowledgeBasePatch,
    response: success(KnowledgeBase),
  }),
  previewDeletion: get('/knowledge-bases/:id/deletion', 'knowledge:write', {
    summary: 'What the deletion of a knowledge base takes with it, and what becomes of the rest',
    params: IdParams,
    response: success(Deletion),
  }),
  remove: remove('/knowledge-bases/:id', 'knowledge:write', {
    summary: 'Delete a knowledge base with its sources',
    params: IdParams,
    response: success(Done),
  }),
  search: post('/knowledge-bases/:id/search', 'knowledge:read', {
    summary: 'Search as a bot does',
    params: IdParams,
    body: SearchInput,
    response: success(SearchHit.array()),
  }),
});
