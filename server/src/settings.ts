import { features } from './features/index.ts';
import { platformSettings, readPlatform } from './platform/config/config.ts';
import type { Config } from './platform/config/config.ts';
import type { Settings } from './platform/config/define.ts';

const ofFeatures = features.flatMap(({ settings = [] }) => settings);

/** Every setting there is: of the platform and of the features, each where it declares it. */
export const allSettings: readonly Settings[] = [...platformSettings, ...ofFeatures];

/** @throws ConfigError for the first wrong setting */
export const readConfig = (env: Record<string, string | undefined>): Config => readPlatform(env, ofFeatures);
