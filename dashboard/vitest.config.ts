import { defineConfig, mergeConfig } from 'vitest/config';
import build from './vite.config.ts';

// Apart from the build, which runs where the tools of the tests are not installed.
export default mergeConfig(build, defineConfig({ test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] } }));
