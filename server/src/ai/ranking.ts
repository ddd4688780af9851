import type { Passage } from './retrieval.ts';

export type Candidate = Omit<Passage, 'score' | 'textScore' | 'matched'> & {
  /** which terms the passage has, with PostgreSQL's rank of each (frequency and place: heading over text over parts) */
  matches: { ord: number; rank: number }[];
};

type Term = { ord: number; weight: number };

const recentDays = 30;

/** Weighted share of the terms, 0…1: having a term counts most, having it in the heading or often counts besides. */
const textScore = (candidate: Candidate, terms: Term[]): number => {
  const whole = terms.reduce((sum, term) => sum + term.weight, 0);
  if (whole === 0) return 0;
  const weights = new Map(terms.map((term) => [term.ord, term.weight]));
  const got = candidate.matches.reduce(
    (sum, match) => sum + (weights.get(match.ord) ?? 0) * (0.45 + 0.55 * Math.min(1, match.rank / 0.6)),
    0,
  );
  return Math.min(1, got / whole);
};

/** Unrelated texts sit near 0.2, restatements near 0.8: that span becomes 0…1. */
const normaliseVector = (similarity: number): number => Math.min(1, Math.max(0, (similarity - 0.2) / 0.6));

const ageInDays = (date: Date, now: number): number => (now - date.getTime()) / 86_400_000;

/** Both legs on one scale, summed; FAQ ×1.2 (somebody wrote the answer to this very question), recent ×1.1. */
export const rank = (candidates: Candidate[], terms: Term[], now: number): Passage[] =>
  candidates
    .map(({ matches, ...candidate }): Passage => {
      const text = textScore({ ...candidate, matches }, terms);
      const merged = 0.5 * normaliseVector(candidate.vectorScore) + 0.5 * text;
      const faq = candidate.sourceType === 'faq' ? 1.2 : 1;
      const recent = ageInDays(candidate.updatedAt, now) <= recentDays ? 1.1 : 1;
      return {
        ...candidate,
        textScore: text,
        matched: matches.map((match) => match.ord - 1),
        score: merged * faq * recent,
      };
    })
    .sort((a, b) => b.score - a.score || a.chunkId.localeCompare(b.chunkId));
