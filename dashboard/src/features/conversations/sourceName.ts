import type { Citation } from '@parley/contract';

/** The title, with the heading under which the passage stands when several passages of one source are cited. */
export function sourceName({ title, headingPath }: Citation, all: Citation[]): string {
  const heading = headingPath.split(' › ').at(-1);
  const shared = all.some((other) => other.title === title && other.headingPath !== headingPath);
  return shared && heading && heading !== title ? `${title} › ${heading}` : title;
}
