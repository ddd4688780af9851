/** The outside world of the path of a message, in a process of its own: platform, model and customers. */
import { serve } from './child.ts';
import { createCustomers } from './customers.ts';
import { openWorld } from './world.ts';

const world = await openWorld();
const customers = createCustomers(world);

const functions = {
  open: (_input: Record<string, never>) => ({
    telegramUrl: world.telegramUrl,
    token: world.telegramToken,
    modelUrl: world.modelUrl,
  }),
  ...customers,
};
export type World = typeof functions;
serve(functions);
