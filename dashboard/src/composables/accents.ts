import type { Accent } from '@parley/contract';
import type { z } from 'zod';

export type AccentName = z.infer<typeof Accent>;
/** Hue in OKLCH degrees; chroma as a share of what the tokens give. Lightness is fixed, so contrast is too. */
export type AccentColour = { hue: number; chroma: number };

export const accents: Record<AccentName, AccentColour> = {
  blue: { hue: 242, chroma: 1 },
  indigo: { hue: 264, chroma: 1 },
  teal: { hue: 195, chroma: 0.8 },
  green: { hue: 155, chroma: 0.9 },
  amber: { hue: 62, chroma: 0.8 },
  rose: { hue: 8, chroma: 0.8 },
  slate: { hue: 255, chroma: 0.2 },
};

export const isAccent = (name: string): name is AccentName => Object.hasOwn(accents, name);
