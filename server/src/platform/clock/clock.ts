export type Clock = {
  now(): Date;
  /** milliseconds since 1970 */
  ms(): number;
  /** The business time of a moment (ISO 8601) that the world outside names by its own clock: the same, unless a test set ours. */
  ofOutside(moment: string): string;
  /** Calls `listener` after the clock was set. The real one never is. */
  onSet(listener: () => void): void;
};

/** The time of this machine. */
export const realClock: Clock = {
  now: () => new Date(),
  ms: () => Date.now(),
  ofOutside: (moment) => moment,
  onSet: () => undefined,
};
