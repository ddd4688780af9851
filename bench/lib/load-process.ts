/** Platforms that send webhooks, in a process of its own: as fast as they are answered, or at a steady rate. */
import { createHmac } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import autocannon from 'autocannon';
import { now, serve } from './child.ts';
import { summarise } from './stats.ts';
import { post, textUpdate } from './webhook.ts';

type Target = { url: string; secret: string };

let updateId = 1;

/** Every customer writes once: what is measured is receiving, not answering. */
function nextUpdate(secret: string): { body: string; headers: Record<string, string> } {
  const id = updateId++;
  const body = textUpdate(id, 1_000_000 + id, 'How long does a refund take?');
  // Both proofs on every request, so that making them costs each side the same.
  const headers = {
    'content-type': 'application/json',
    'x-telegram-bot-api-secret-token': secret,
    'x-signature': createHmac('sha256', secret).update(body).digest('hex'),
  };
  return { body, headers };
}

const functions = {
  /** As fast as `connections` are answered. */
  async flood({ url, secret, seconds, connections }: Target & { seconds: number; connections: number }) {
    const result = await autocannon({
      url,
      connections,
      duration: seconds,
      requests: [{ method: 'POST', setupRequest: (asked) => ({ ...asked, ...nextUpdate(secret) }) }],
    });
    const failed = result.non2xx + result.errors;
    if (failed > 0) throw new Error(`${JSON.stringify(result.statusCodeStats)}, ${result.errors} failed`);
    return { perSecond: result['2xx'] / result.duration, p99: result.latency.p99 };
  },
  /** `rate` requests a second whatever the answers; latencies count from the moment a request was due. */
  async steady({ url, secret, seconds, rate }: Target & { seconds: number; rate: number }) {
    const agent = new Agent({ keepAlive: true, maxSockets: 256 });
    const began = now();
    const durations: number[] = [];
    const open: Promise<void>[] = [];
    const count = rate * seconds;
    for (let sent = 0; sent < count;) {
      while (sent < count && began + (sent * 1_000) / rate <= now()) {
        const due = began + (sent * 1_000) / rate;
        const { body, headers } = nextUpdate(secret);
        open.push(post(agent, url, headers, body).then(() => void durations.push(now() - due)));
        sent++;
      }
      await pause(1);
    }
    await Promise.all(open);
    agent.destroy();
    return { ...summarise(durations), durations };
  },
};
export type Load = typeof functions;
serve(functions);
