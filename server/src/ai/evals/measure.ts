import { sql } from 'drizzle-orm';
import { ingest } from '../../knowledge/index.ts';
import type { Embedder } from '../../knowledge/embed.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { extractiveAnswer, type Extract } from '../extractive.ts';
import { retrieve, type Passage, type Retrieval } from '../retrieval.ts';
import { searchTerms } from '../terms.ts';
import type { Golden, GoldenItem, NamedSource } from './golden.ts';

export type Outcome = {
  item: GoldenItem;
  retrieval: Retrieval;
  answer: Extract;
  /** place of the first expected passage, 1-based; 0 when it was not found */
  hitAt: number;
  /** every quoted word stands in the cited passage, and the expected fact is in the answer */
  supported: boolean;
  milliseconds: { retrieval: number; answer: number };
};

export type Scores = {
  answerable: number;
  unanswerable: number;
  hitAt5: number;
  hitAt1: number;
  supported: number;
  declined: number;
  falseDeclines: number;
};

/** Letters and digits decide; marks of Markdown and white space do not. */
export const normalise = (text: string): string =>
  text
    .toLowerCase()
    .replace(/\[([^\][]{1,200})\]\([^()\s]{0,500}\)/g, '$1')
    .replace(/[`*_~|]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

const isExpected = (item: GoldenItem, passage: Passage, fileOf: Map<string, string>): boolean =>
  (item.expect?.places ?? []).some(
    (place) =>
      fileOf.get(passage.sourceId) === place.file &&
      normalise(passage.headingPath.join(' > ')).includes(normalise(place.heading)),
  );

const isSupported = (item: GoldenItem, answer: Extract, passages: Passage[]): boolean => {
  if (!answer.haveEnoughInformation || answer.citations.length === 0) return false;
  const quoted = answer.citations.every((citation) => {
    const cited = passages.find((passage) => passage.chunkId === citation.chunkId);
    return cited && citation.quote.split(' … ').every((part) => normalise(cited.text).includes(normalise(part)));
  });
  const said = normalise(`${answer.text}`);
  return quoted && (item.expect?.facts ?? []).some((fact) => said.includes(normalise(fact)));
};

/** A fresh workspace with one knowledge base that holds the set's sources. */
export const ingestSet = async (
  store: Store,
  embedder: Embedder,
  workspaceId: string,
  sources: NamedSource[],
  onSource: (done: number) => void,
): Promise<{ knowledgeBaseId: string; fileOf: Map<string, string> }> => {
  const knowledgeBaseId = newId();
  const fileOf = new Map<string, string>();
  await store.inWorkspace(workspaceId, (tx) =>
    tx.execute(
      sql`insert into knowledge_bases (id, workspace_id, name) values (${knowledgeBaseId}, ${workspaceId}, 'Evaluation')`,
    ),
  );
  for (const { file, content } of sources) {
    const sourceId = newId();
    await store.inWorkspace(workspaceId, (tx) =>
      tx.execute(sql`
        insert into sources (id, workspace_id, knowledge_base_id, type, title)
        values (${sourceId}, ${workspaceId}, ${knowledgeBaseId}, ${content.type}, ${file})`),
    );
    const result = await ingest(store, embedder, { workspaceId, knowledgeBaseId, sourceId, content });
    if (result.status !== 'ready') throw new Error(`${file}: ${result.status === 'failed' ? result.error : 'deleted'}`);
    fileOf.set(sourceId, file);
    onSource(fileOf.size);
  }
  return { knowledgeBaseId, fileOf };
};

export const askAll = async (
  store: Store,
  embedder: Embedder,
  workspaceId: string,
  set: Golden,
  base: { knowledgeBaseId: string; fileOf: Map<string, string> },
): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const item of set.items) {
    const started = performance.now();
    const { terms, text } = await searchTerms({ question: item.question, history: [] });
    const request = { workspaceId, knowledgeBaseIds: [base.knowledgeBaseId], text, terms };
    const retrieval = await retrieve(store, embedder, request);
    const found = performance.now();
    const { passages } = retrieval;
    const answer = await extractiveAnswer(
      { workspaceId, question: item.question, passages, terms: retrieval.terms },
      embedder,
    );
    outcomes.push({
      item,
      retrieval,
      answer,
      hitAt: passages.findIndex((passage) => isExpected(item, passage, base.fileOf)) + 1,
      supported: isSupported(item, answer, passages),
      milliseconds: { retrieval: found - started, answer: performance.now() - found },
    });
  }
  return outcomes;
};

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

export const scoresOf = (outcomes: Outcome[]): Scores => {
  const answerable = outcomes.filter(({ item }) => item.expect);
  const unanswerable = outcomes.filter(({ item }) => !item.expect);
  const given = answerable.filter(({ answer }) => answer.haveEnoughInformation);
  return {
    answerable: answerable.length,
    unanswerable: unanswerable.length,
    hitAt5: share(answerable.filter(({ hitAt }) => hitAt >= 1 && hitAt <= 5).length, answerable.length),
    hitAt1: share(answerable.filter(({ hitAt }) => hitAt === 1).length, answerable.length),
    supported: share(given.filter(({ supported }) => supported).length, given.length),
    declined: share(unanswerable.filter(({ answer }) => !answer.haveEnoughInformation).length, unanswerable.length),
    falseDeclines: share(answerable.length - given.length, answerable.length),
  };
};
