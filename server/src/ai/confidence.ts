/** What the built-in answerer knows about its own answer; every value about 0…1. */
export type Features = {
  /** best cosine of question and any passage */
  vector: number;
  /** cosine of question and the quoted passage */
  passageVector: number;
  /** share of the question's terms, by rarity, that the quoted passage has */
  passageCoverage: number;
  /** the same, weighing place and frequency */
  passageText: number;
  /** cosine of question and the best sentence under its heading */
  sentence: number;
  /** share of the terms the best sentence has, heading included */
  sentenceCoverage: number;
  /** share of the terms, by rarity, found in no passage at all */
  unknown: number;
  /** lead of the quoted passage over the next one */
  margin: number;
  /** the vector and the sentence once more where the passage is an FAQ: there likeness of meaning is worth more */
  faqVector: number;
  faqSentence: number;
};

/** Fitted by `npm run eval -- answers --calibrate` on the training halves of the golden sets. */
const fitted: { bias: number; weights: Partial<Record<keyof Features, number>> } = {
  bias: -5.73,
  weights: {
    vector: 1.27,
    passageVector: 2.27,
    passageText: 2.91,
    sentence: 2.36,
    sentenceCoverage: 3.02,
    unknown: -2.22,
    faqVector: 1.65,
    faqSentence: 1.63,
  },
};

/** Probability, 0…1, that the passages hold the answer. */
export const confidenceOf = (features: Features): number => {
  const names = Object.keys(features) as (keyof Features)[];
  const sum = names.reduce((total, name) => total + (fitted.weights[name] ?? 0) * features[name], fitted.bias);
  return 1 / (1 + Math.exp(-sum));
};
