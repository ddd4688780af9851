import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Server } from 'socket.io';
import { io as connectTo } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { until } from '../../test/until.ts';
import { waitingFor, watchSlowSockets } from './slow-sockets.ts';

const limits = { most: 4_000_000, stuck: 1_000_000, patienceMs: 300, trickle: 64_000 };
const WORD = 'x'.repeat(50_000);

/** How the network of a client is stopped, as by a machine that falls asleep, and goes on. */
const networkOf = (client: Socket): { pause(): void; resume(): void } =>
  Reflect.get(Reflect.get(client.io.engine.transport, 'ws') as object, '_socket') as { pause(): void; resume(): void };

describe('clients that do not read', () => {
  let http: HttpServer;
  let io: Server;
  let url: string;
  let watch: ReturnType<typeof watchSlowSockets>;
  let cuts: number[];
  let clients: Socket[];
  const engines = new Set<Parameters<typeof waitingFor>[0]>();

  before(async () => {
    http = createServer();
    io = new Server(http, { pingInterval: 60_000, pingTimeout: 60_000 });
    io.engine.on('connection', (socket: Parameters<typeof waitingFor>[0]) => {
      engines.add(socket);
      socket.once('close', () => engines.delete(socket));
    });
    io.on('connection', (socket) => void socket.join('everybody'));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  after(async () => {
    await io.close();
  });
  beforeEach(() => {
    cuts = [];
    clients = [];
    watch = watchSlowSockets(io, (waiting) => cuts.push(waiting), { ...limits, everyMs: 3_600_000 });
    watch.start();
  });
  afterEach(() => {
    watch.close();
    for (const client of clients) client.close();
  });

  async function join(): Promise<{ client: Socket; heard: () => number; connections: () => number }> {
    const client = connectTo(url, { transports: ['websocket'], reconnectionDelay: 20, forceNew: true });
    clients.push(client);
    const counts = { heard: 0, connections: 0 };
    client.on('word', () => void (counts.heard += 1));
    client.on('connect', () => void (counts.connections += 1));
    await once(client as unknown as NodeJS.EventEmitter, 'connect');
    return { client, heard: () => counts.heard, connections: () => counts.connections };
  }
  const say = (times: number): void => {
    for (let index = 0; index < times; index += 1) io.to('everybody').emit('word', `${index} ${WORD}`);
  };

  it('are cut when too much waits for them, and only they; they come back', async () => {
    const slow = await join();
    const quick = await join();
    const network = networkOf(slow.client);
    network.pause();
    await until(async () => {
      watch.look();
      if (cuts.length > 0) return true;
      say(20);
      return false;
    }, 'it is cut');
    assert.equal(cuts.length, 1);
    // What one look lets pass is what is said between two of them.
    assert.ok((cuts[0] ?? 0) > limits.most && (cuts[0] ?? 0) < limits.most + 2_000_000, String(cuts[0]));
    network.resume();
    await until(async () => slow.connections() === 2, 'it is connected again');
    const before = slow.heard();
    say(1);
    await until(async () => slow.heard() > before, 'it hears again');
    await until(async () => quick.heard() >= 21, 'the other heard all of it');
    assert.equal(quick.connections(), 1);
  });

  it('are cut after a while when less waits and nothing goes out', async (context) => {
    const slow = await join();
    const network = networkOf(slow.client);
    network.pause();
    // The kernels of both sides take some megabytes before anything waits here.
    await until(async () => {
      if (Math.max(0, ...[...engines].map(waitingFor)) > limits.stuck * 1.5) return true;
      say(10);
      return false;
    }, 'enough waits for it');
    const now = Math.ceil(performance.now());
    const clock = context.mock.method(performance, 'now', () => now);
    const lookAfter = (ms: number): void => {
      clock.mock.mockImplementation(() => now + ms);
      watch.look();
    };
    lookAfter(0);
    lookAfter(limits.patienceMs - 1);
    assert.deepEqual(cuts, [], 'not at once');
    lookAfter(limits.patienceMs);
    clock.mock.restore();
    assert.equal(cuts.length, 1);
    network.resume();
    await until(async () => slow.connections() === 2, 'it is connected again');
  });

  it('a burst to somebody who reads cuts nobody', async () => {
    const quick = await join();
    for (let round = 0; round < 20; round += 1) {
      say(10);
      watch.look();
      // What waits for it is never more than what one look lets pass.
      await until(async () => quick.heard() >= 10 * (round - 3), 'it reads');
    }
    await until(async () => quick.heard() === 200, 'everything is heard');
    watch.look();
    assert.deepEqual([cuts, quick.connections()], [[], 1]);
  });
});
