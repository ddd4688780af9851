/**
 * The outside world of a benchmark, in a process of its own: Telegram's API, a model that answers at once, and the
 * customers. Durations are taken here, from the webhook's first byte to the delivered reply, on one clock.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type PeerAddresses = { telegramUrl: string; telegramToken: string; modelUrl: string };
export type Order =
  | { kind: 'turns'; webhookUrl: string; secret: string; chat: number; count: number; firstId: number }
  | { kind: 'burst'; webhookUrl: string; secret: string; chat: number; count: number; firstId: number }
  | { kind: 'stop' };
export type Outcome = { durations: number[]; texts: string[]; milliseconds: number };

export async function startPeer() {
  const child = fork(fileURLToPath(new URL('./peer-process.ts', import.meta.url)), { stdio: 'inherit' });
  const [addresses] = (await once(child, 'message')) as [PeerAddresses];
  const order = async (message: Order): Promise<Outcome> => {
    child.send(message);
    const [outcome] = (await once(child, 'message')) as [Outcome];
    return outcome;
  };
  return {
    ...addresses,
    order,
    async stop(): Promise<void> {
      child.send({ kind: 'stop' } satisfies Order);
      await once(child, 'exit');
    },
  };
}
