import type { Features } from '../confidence.ts';
import type { Outcome } from './measure.ts';

const rounds = 20_000;
const rate = 0.05;
const ridge = 0.003;
/** An answer that should have been a handoff costs more than a handoff that could have been an answer. */
const costOfWrong = 1.35;

/**
 * Logistic regression by gradient descent over the training items: the chance that the sources hold the answer.
 */
export const calibrate = (
  outcomes: Outcome[],
  names: (keyof Features)[],
): { bias: number; weights: Record<string, number> } => {
  const rows = outcomes
    .filter(({ item }) => item.split === 'train')
    .map(({ item, answer }) => ({ values: names.map((name) => answer.features[name]), right: item.expect ? 1 : 0 }));
  // Both kinds weigh the same, however many questions of each were written.
  const share = rows.filter((row) => row.right === 1).length / rows.length;
  const weights = names.map(() => 0);
  let bias = 0;
  for (let round = 0; round < rounds; round += 1) {
    const steps = names.map(() => 0);
    let step = 0;
    for (const { values, right } of rows) {
      const sum = values.reduce((total, value, at) => total + value * (weights[at] ?? 0), bias);
      const wrong =
        (1 / (1 + Math.exp(-sum)) - right) * (right === 1 ? 0.5 / share : (costOfWrong * 0.5) / (1 - share));
      step += wrong;
      values.forEach((value, at) => (steps[at] = (steps[at] ?? 0) + wrong * value));
    }
    bias -= (rate * step) / rows.length;
    weights.forEach((weight, at) => (weights[at] = weight - rate * ((steps[at] ?? 0) / rows.length + ridge * weight)));
  }
  const round = (value: number) => Number(value.toFixed(2));
  return { bias: round(bias), weights: Object.fromEntries(names.map((name, at) => [name, round(weights[at] ?? 0)])) };
};
