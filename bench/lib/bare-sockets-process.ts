/** The bare baseline of `fanout`: a Socket.IO server with one room and nothing else; with Redis, on the same adapter as the product. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { serve } from './child.ts';

const functions = {
  async listen({ redisUrl }: { redisUrl?: string }): Promise<string> {
    const http = createServer();
    const io = new Server(http, {
      path: '/socket.io',
      ...(redisUrl ? { adapter: createAdapter(new Redis(redisUrl), { streamName: 'bench:sockets' }) } : {}),
    });
    io.on('connection', (socket) => {
      void socket.join('room');
      socket.on('typing', (payload: unknown) => io.to('room').emit('typing', payload));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  },
};
export type BareSockets = typeof functions;
serve(functions);
