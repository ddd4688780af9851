import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { connect, until } from '../../test/app.ts';
import { stays } from '../../test/stays.ts';
import { startProxy } from '../../test/proxy.ts';
import { createLogger } from '../telemetry/log.ts';
import { createRealtime, rooms } from './realtime.ts';

const log = createLogger({ level: 'silent' });
const redisUrl = process.env.TEST_REDIS_URL;
const said = (name: string) => ({ conversationId: 'c', who: 'agent' as const, name, typing: true });

/** A process that serves sockets; every one of them says itself which room it is in. */
const prefix = `parley:test:${randomUUID()}`;

async function serve(url: string | undefined) {
  const realtime = createRealtime({ log, redis: url ? { url, prefix } : undefined });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  realtime.io.on('connection', (socket) => socket.join(String(socket.handshake.auth['room'])));
  realtime.attach(server);
  return { realtime, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('sockets of one process', () => {
  it('an emit reaches the room, and closing works with and without an HTTP server', async () => {
    const one = await serve(undefined);
    const room = rooms.session('of one');
    const socket = await connect(one.url, { room });
    one.realtime.live.emit(room, 'typing', said('a'));
    await socket.wait('typing');
    socket.close();
    await one.realtime.close();
    await createRealtime({ log }).close();
  });

  it('what one step says arrives in its order, and before the end of whoever is cut in the same step', async () => {
    const one = await serve(undefined);
    const room = rooms.session('of one step');
    const socket = await connect(one.url, { room });
    for (const name of ['a', 'b', 'c']) one.realtime.live.emit(room, 'typing', said(name));
    one.realtime.cut(room);
    await until(async () => !socket.socket.connected, 'it is cut');
    assert.deepEqual(
      socket.seen('typing').map(({ name }) => name),
      ['a', 'b', 'c'],
    );
    await one.realtime.close();
  });

  it('an event that cannot be said keeps none of the others back', async () => {
    const one = await serve(undefined);
    const room = rooms.session('of one bad event');
    const socket = await connect(one.url, { room });
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    one.realtime.live.emit(room, 'typing', { ...said('bad'), ...circle });
    one.realtime.live.emit(room, 'typing', said('good'));
    await socket.wait('typing', ({ name }) => name === 'good');
    socket.close();
    await one.realtime.close();
  });
});

if (redisUrl) {
  describe('sockets of several processes', () => {
    it('emits and cuts reach the sockets of the others, also from a process without sockets', async () => {
      const room = rooms.session('of all');
      const [one, two] = await Promise.all([serve(redisUrl), serve(redisUrl)]);
      const worker = createRealtime({ log, redis: { url: redisUrl, prefix }, listens: false });
      const sockets = await Promise.all([connect(one.url, { room }), connect(two.url, { room })]);
      const other = await connect(two.url, { room: 'another room' });
      const [first] = sockets;
      // Readers begin with what comes after them.
      await until(async () => {
        worker.live.emit(room, 'typing', said('warm'));
        return sockets.every((socket) => socket.seen('typing').length > 0);
      }, 'everybody listens');

      worker.live.emit(room, 'typing', said('worker'));
      one.realtime.live.emit(room, 'typing', said('one'));
      for (const socket of sockets) {
        await socket.wait('typing', ({ name }) => name === 'worker');
        await socket.wait('typing', ({ name }) => name === 'one');
      }
      const ofOne = () => first?.seen('typing').filter(({ name }) => name === 'one').length;
      await stays(() => ofOne() === 1, 'no echo', 50);
      assert.equal((await one.realtime.io.in(room).fetchSockets()).length, 2);
      const asked = new Redis(redisUrl);
      assert.deepEqual(
        await asked.pubsub('NUMSUB', `${prefix}:sockets#/#`),
        [`${prefix}:sockets#/#`, 2],
        'and not three',
      );
      asked.disconnect();
      assert.equal(other.seen('typing').length, 0);

      worker.cut(room);
      await until(async () => sockets.every(({ socket }) => !socket.connected), 'they are cut');
      assert.equal(other.socket.connected, true);
      other.close();
      await Promise.all([one, two].map(({ realtime }) => realtime.close()));
      await worker.close();
    });

    it('what is said while Redis is away for a moment arrives afterwards; nothing throws', async () => {
      const room = rooms.session('of those who wait');
      const proxy = await startProxy(redisUrl);
      const [one, two] = await Promise.all([serve(proxy.url), serve(proxy.url)]);
      const socket = await connect(two.url, { room });
      await until(async () => {
        one.realtime.live.emit(room, 'typing', said('warm'));
        return socket.seen('typing').length > 0;
      }, 'it listens');
      proxy.cut();
      await until(async () => proxy.refused() > 0, 'they knock in vain');
      for (let index = 0; index < 20; index += 1) {
        one.realtime.live.emit(room, 'typing', said(`away ${index}`));
        if (index % 5 > 0) continue;
        const before = proxy.refused();
        await until(async () => proxy.refused() > before, 'they knock again');
      }
      const asked = one.realtime.io.in(room).fetchSockets();
      proxy.mend();
      await socket.wait('typing', ({ name }) => name === 'away 19');
      const names = socket.seen('typing').map(({ name }) => name);
      assert.deepEqual(
        names.filter((name) => name?.startsWith('away')),
        Array.from({ length: 20 }, (_unused, index) => `away ${index}`),
      );
      await asked.catch(() => undefined);
      socket.close();
      await Promise.all([one, two].map(({ realtime }) => realtime.close()));
      await proxy.close();
    });
  });
}
