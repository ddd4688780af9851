import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TelegramFault } from '../server/src/test/doubles/telegram.ts';

export type PeerAddresses = { telegramUrl: string; telegramToken: string; modelUrl: string };
export type PeerOrder =
  | { kind: 'fail'; fault: TelegramFault; times: number }
  | { kind: 'heal' }
  /** these customers block the bot */
  | { kind: 'block'; chats: string[] }
  /** makes files known; asking for one takes so long from now on */
  | { kind: 'files'; ids: string[]; takeMs: number }
  | { kind: 'refused' }
  | { kind: 'report' }
  | { kind: 'stop' };
export type Heard = { chatId: string; messageId: number; text: string; at: number };
export type PeerReport = {
  kind: 'report';
  /** what reached the customers' phones, in order */
  messages: Heard[];
  /** refused sends by Telegram's words */
  refused: Record<string, number>;
  modelRequests: number;
  modelFaults: Record<string, number>;
};
export type PeerRefused = { kind: 'refused'; count: number };
export type Peer = Awaited<ReturnType<typeof startPeer>>;

export async function startPeer() {
  const child = fork(fileURLToPath(new URL('./peer-process.ts', import.meta.url)), { stdio: 'inherit' });
  const [addresses] = (await once(child, 'message')) as [PeerAddresses];
  return {
    ...addresses,
    order: (order: PeerOrder): void => void child.send(order),
    /** sends Telegram has refused so far, for whatever reason */
    async refused(): Promise<number> {
      child.send({ kind: 'refused' } satisfies PeerOrder);
      const [{ count }] = (await once(child, 'message')) as [PeerRefused];
      return count;
    },
    async report(): Promise<PeerReport> {
      child.send({ kind: 'report' } satisfies PeerOrder);
      const [report] = (await once(child, 'message')) as [PeerReport];
      return report;
    },
    async stop(): Promise<void> {
      if (child.exitCode !== null) return;
      child.send({ kind: 'stop' } satisfies PeerOrder);
      await once(child, 'exit');
    },
  };
}
