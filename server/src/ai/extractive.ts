import { similarity, type Embedder } from '../knowledge/embed.ts';
import { confidenceOf, type Features } from './confidence.ts';
import type { Passage, WeighedTerm } from './retrieval.ts';
import { units, type Unit } from './sentences.ts';
import { hasTerm, stems } from './words.ts';

export type Citation = {
  chunkId: string;
  title: string;
  /** words of the passage itself; ' … ' stands where words were left out */
  quote: string;
};

export type Extract = {
  haveEnoughInformation: boolean;
  /** 0…1: the share of such answers that are right, as measured on the evaluation's training half */
  confidence: number;
  /** '' when there is not enough information */
  text: string;
  paragraphs: string[];
  citations: Citation[];
  /** what the confidence was computed from, for the flight recorder */
  features: Features;
};

export type ExtractiveRequest = {
  workspaceId: string;
  question: string;
  /** best first */
  passages: Passage[];
  terms: WeighedTerm[];
  /** answers below it are withheld (default 0.5) */
  threshold?: number;
  weights?: Selection;
  signal?: AbortSignal | undefined;
};

/** How a sentence is chosen; found on the training half of the golden sets. */
export type Selection = {
  /** share of the sentence's own words in its coverage; the rest is read together with its headings */
  own: number;
  /** the same for one of many list items or rows, which its heading says little about */
  ownOfMany: number;
  coverage: number;
  similarity: number;
  /** the rank of its passage */
  passage: number;
  /** the first sentences of a passage */
  lead: number;
  pointer: number;
  row: number;
  /** how near to the best a further sentence must come */
  further: number;
  /** the same for list items and table rows */
  item: number;
  /** how near to the best the best sentence of another passage must come to be quoted as well */
  second: number;
};

export const selection: Selection = {
  own: 0.1,
  ownOfMany: 0.5,
  coverage: 0.52,
  similarity: 0.49,
  passage: 0.27,
  lead: 0.06,
  pointer: 0.08,
  row: 0.03,
  further: 0.86,
  item: 0.86,
  second: 0.89,
};

type Scored = { unit: Unit; at: number; passage: Passage; score: number; similarity: number; coverage: number };

/** Sentences that are worth embedding: 3–5 ms each, so the lexically hopeless ones are left out. */
const embedded = 16;
const passagesRead = 6;
/** Characters. Longer ones are lists of names or tables without marks, not sentences. */
const longestUnit = 700;

const asksHow = (question: string): boolean =>
  /\b(how|example|code|snippet|syntax|show|configure|set ?up|enable|use)\b/i.test(question);

const pointer =
  /^(see|check|for more|refer|read|more|learn|to learn|as noted|as shown|the following|here is|example)\b/i;
const needsWhatFollows = /:[\s*_]*$/;

const quotable = (unit: Unit): boolean =>
  unit.kind !== 'code' &&
  !unit.text.endsWith('?') &&
  unit.text.length <= longestUnit &&
  /\p{L}{2}/u.test(unit.text) &&
  (unit.text.split(' ').length >= 4 || /^[\w\s*`]+:\s*\S/.test(unit.text));

const lastHeadings = (passage: Passage): string => passage.headingPath.slice(-2).join(' ') || passage.title;

/** Weighted share of the terms a text has. Terms outside of every passage count as missing, by their rarity. */
const coverageOf = (text: string, terms: WeighedTerm[]): number => {
  const whole = terms.reduce((sum, term) => sum + term.weight, 0);
  if (whole === 0) return 0;
  const found = stems(text);
  return terms.reduce((sum, term) => sum + (hasTerm(found, term.term) ? term.weight : 0), 0) / whole;
};

/** An FAQ's question stands for its answer: it is the sentence a customer's own question resembles most. */
const readable = (passage: Passage): Unit[] =>
  passage.sourceType === 'faq'
    ? [{ kind: 'sentence', text: passage.title.replace(/\?+\s*$/, ''), quote: '', block: -1 }, ...units(passage.text)]
    : units(passage.text);

/** In a long list every item is a fact of its own: it belongs to the answer only by itself. */
const isOneOfMany = (unit: Unit, all: Unit[]): boolean =>
  (unit.kind === 'item' || unit.kind === 'row') && all.filter((other) => other.block === unit.block).length > 3;

const scoreUnits = async (request: ExtractiveRequest, embedder: Embedder): Promise<Scored[]> => {
  const { question, passages, terms, weights = selection } = request;
  const top = passages[0]?.score || 1;
  const rough = passages.slice(0, passagesRead).flatMap((passage) =>
    readable(passage).flatMap((unit, at, all): Scored[] => {
      if (unit.block >= 0 && !quotable(unit)) return [];
      const own = coverageOf(unit.text, terms);
      const withHeading = coverageOf(`${passage.title} ${lastHeadings(passage)} ${unit.text}`, terms);
      const share = isOneOfMany(unit, all) ? weights.ownOfMany : weights.own;
      const coverage = share * own + (1 - share) * withHeading;
      const penalty = (pointer.test(unit.text) ? weights.pointer : 0) + (unit.kind === 'row' ? weights.row : 0);
      const lead = at === 0 ? weights.lead : at < 3 ? weights.lead / 2 : 0;
      const score = weights.coverage * coverage + weights.passage * (passage.score / top) + lead - penalty;
      return [{ unit, at, passage, score, similarity: 0, coverage: withHeading }];
    }),
  );
  const chosen = rough.sort((a, b) => b.score - a.score).slice(0, embedded);
  const texts = chosen.map(({ unit, passage }) =>
    unit.block === -1 ? unit.text : `${lastHeadings(passage)}. ${unit.text}`.slice(0, 300),
  );
  const [asked, ...vectors] = await embedder.embed([question.slice(0, 1000), ...texts], {
    workspaceId: request.workspaceId,
    purpose: 'question',
    signal: request.signal,
  });
  return chosen
    .map((scored, index) => {
      const near = similarity(asked ?? [], vectors[index] ?? []);
      return { ...scored, similarity: near, score: scored.score + weights.similarity * near };
    })
    .sort((a, b) => b.score - a.score);
};

/** A section this short is quoted whole: what was left out of it would be missed. */
const shortSection = 70;

const wordsOf = (passed: Unit[]): number => passed.reduce((sum, unit) => sum + unit.text.split(' ').length, 0);

/** Up to four sentences of the best passage, in its own order; the neighbours of the best one first. */
const choose = (scored: Scored[], passage: Passage, weights: Selection): Scored[] => {
  const own = scored.filter((candidate) => candidate.passage === passage);
  const best = own[0];
  if (!best) return [];
  const all = units(passage.text);
  const prose = all.flatMap((unit, at) => (quotable(unit) && !pointer.test(unit.text) ? [{ ...best, unit, at }] : []));
  if (wordsOf(prose.map(({ unit }) => unit)) <= shortSection) return prose;
  const near = (candidate: Scored) =>
    candidate.unit.block === best.unit.block ? 0.12 : Math.abs(candidate.at - best.at) <= 2 ? 0.05 : 0;
  const kept = own
    .slice(1)
    .map((candidate) => ({ candidate, worth: candidate.score + near(candidate) }))
    .filter(({ candidate, worth }) =>
      isOneOfMany(candidate.unit, all)
        ? candidate.score >= best.score * weights.item
        : worth >= best.score * weights.further,
    )
    .sort((a, b) => b.worth - a.worth)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
  return [best, ...kept].sort((a, b) => a.at - b.at);
};

/** Documentation says the same thing in several places; saying it twice in one answer helps nobody. */
const isRepeated = (candidate: Scored, chosen: Scored[]): boolean => {
  const own = stems(candidate.unit.text);
  return chosen.some(({ unit }) => {
    const other = stems(unit.text);
    const shared = [...own].filter((word) => other.has(word)).length;
    return shared >= 0.6 * Math.min(own.size, other.size);
  });
};

/** Chosen units → paragraphs: sentences of one block together, list items as a list, code after the words it belongs to. */
const compose = (chosen: Scored[], all: Unit[], withCode: boolean): string[] => {
  const paragraphs: string[] = [];
  let lastBlock = -1;
  chosen.forEach(({ unit, at }, index) => {
    const following = all[at + 1];
    const code = following?.kind === 'code' && following.text.split('\n').length <= 30 ? following : undefined;
    const leads = needsWhatFollows.test(unit.text);
    // "For example:" without its example is half a sentence.
    if (leads && !code && chosen[index + 1]?.at !== at + 1) return;
    const line =
      unit.kind === 'item' && chosen.filter((other) => other.unit.block === unit.block).length > 1
        ? `- ${unit.text}`
        : unit.text;
    if (unit.block === lastBlock && paragraphs.length > 0) {
      const joint = unit.kind === 'item' || unit.kind === 'row' ? '\n' : ' ';
      paragraphs[paragraphs.length - 1] += `${joint}${line}`;
    } else paragraphs.push(line);
    lastBlock = unit.block;
    if (code && (leads || (withCode && all[at + 1]?.block === unit.block + 1))) {
      paragraphs.push(code.text);
      lastBlock = code.block;
    }
  });
  return paragraphs;
};

const featuresOf = (request: ExtractiveRequest, scored: Scored[]): Features => {
  const { passages, terms } = request;
  const best = scored[0];
  const whole = terms.reduce((sum, term) => sum + term.weight, 0);
  const weightOf = (places: number[]) =>
    terms.reduce((sum, term) => sum + (places.includes(term.place) ? term.weight : 0), 0);
  const passage = best?.passage ?? passages[0];
  const unknown = terms.filter((term) => term.documents === 0).reduce((sum, term) => sum + term.weight, 0);
  const second = passages.find((other) => other !== passage);
  const faq = passage?.sourceType === 'faq' ? 1 : 0;
  return {
    vector: Math.max(0, ...passages.map((other) => other.vectorScore)),
    passageVector: passage?.vectorScore ?? 0,
    passageCoverage: whole > 0 && passage ? weightOf(passage.matched) / whole : 0,
    passageText: passage?.textScore ?? 0,
    sentence: best?.similarity ?? 0,
    sentenceCoverage: best?.coverage ?? 0,
    unknown: whole > 0 ? unknown / whole : 1,
    margin: passage && second ? passage.score - second.score : 0,
    faqVector: faq * (passage?.vectorScore ?? 0),
    faqSentence: faq * (best?.similarity ?? 0),
  };
};

/**
 * An answer without a language model: whole sentences quoted from the best passage, or the whole answer of an FAQ.
 * Says so when the passages do not hold the answer.
 */
export const extractiveAnswer = async (request: ExtractiveRequest, embedder: Embedder): Promise<Extract> => {
  const { question, passages, threshold = 0.5, weights = selection } = request;
  const scored = await scoreUnits(request, embedder);
  const features = featuresOf(request, scored);
  const none = { haveEnoughInformation: false, text: '', paragraphs: [], citations: [], features };
  const best = scored[0];
  if (!best || passages.length === 0) return { ...none, confidence: 0 };
  const confidence = confidenceOf(features);
  if (confidence < threshold) return { ...none, confidence };
  const { passage } = best;
  const cite = (from: Passage, quote: string): Citation => ({ chunkId: from.chunkId, title: from.title, quote });
  if (passage.sourceType === 'faq') {
    const paragraphs = passage.text.split(/\n{2,}(?=\S)/);
    const citations = [cite(passage, passage.text.replace(/\s+/g, ' ').trim())];
    return { haveEnoughInformation: true, confidence, text: passage.text, paragraphs, citations, features };
  }
  const parts = [choose(scored, passage, weights)];
  const second = scored.find((candidate) => candidate.passage !== passage && !isRepeated(candidate, parts[0] ?? []));
  if (second && second.passage.sourceType !== 'faq' && second.score >= best.score * weights.second)
    parts.push([second]);
  const quoted = parts.flatMap((chosen) => {
    const from = chosen[0]?.passage;
    const paragraphs = from ? compose(chosen, units(from.text), asksHow(question)) : [];
    return from && paragraphs.length > 0 ? [{ from, chosen, paragraphs }] : [];
  });
  if (quoted.length === 0) return { ...none, confidence };
  const paragraphs = quoted.flatMap((part) => part.paragraphs);
  return {
    haveEnoughInformation: true,
    confidence,
    text: paragraphs.join('\n\n'),
    paragraphs,
    citations: quoted.map(({ from, chosen }) => cite(from, chosen.map(({ unit }) => unit.quote).join(' … '))),
    features,
  };
};
