/** Figures of a series of durations, in milliseconds. */
export type Summary = { count: number; p50: number; p90: number; p99: number; mean: number; max: number };

export function summarise(durations: number[]): Summary {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    count: sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    mean: sum / Math.max(1, sorted.length),
    max: sorted.at(-1) ?? 0,
  };
}

export const line = (name: string, value: string): void => void process.stdout.write(`${name.padEnd(44)} ${value}\n`);
export const mean = (values: number[]): number => summarise(values).mean;
export const median = (values: number[]): number => summarise(values).p50;
