import type { Feature } from './feature.ts';

/** Every noun's part of the dashboard, found by its place. */
export const features: Feature[] = Object.values(
  import.meta.glob<Feature>('../features/*/feature.ts', { eager: true, import: 'default' }),
);
