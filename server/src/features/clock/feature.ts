import { defineFeature } from '../../feature.ts';
import { clockRoutes } from './routes.ts';

/** Lets an owner set the time of an installation under test; without PARLEY_TEST_CLOCK there is nothing of it. */
export const clock = defineFeature({
  name: 'clock',
  uses: ['testClock', 'access'],
  setUp: ({ testClock, access }) =>
    testClock ? { routes: (api) => clockRoutes(api, { clock: testClock, authenticate: access.authenticate }) } : {},
});
