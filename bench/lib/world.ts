/**
 * Telegram's API and a model that answers at once, lean enough not to be what is measured. The first answer of each kind
 * comes from the doubles of the tests, which speak the platforms' protocols; then it is repeated from memory.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startOpenAiDouble } from '../../server/src/test/doubles/openai.ts';
import { startTelegramDouble } from '../../server/src/test/doubles/telegram.ts';

export type Arrived = { chat: number; text: string };

async function listen(handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void>) {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      handle(request, Buffer.concat(pieces), response).catch((error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        response.writeHead(599).end();
      });
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The real double's answer to the same request. */
async function forward(base: string, request: IncomingMessage, body: Buffer) {
  const answer = await fetch(base + request.url, {
    method: request.method ?? 'GET',
    headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
    ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
  });
  const type = answer.headers.get('content-type') ?? 'application/json';
  return { status: answer.status, type, bytes: Buffer.from(await answer.arrayBuffer()) };
}

export async function openWorld() {
  const telegram = await startTelegramDouble();
  const model = await startOpenAiDouble();
  const reply = { have_enough_information_for_reply: 'YES', reply: 'Five working days.', citations: [] };
  model.otherwise({ kind: 'answer', steps: [JSON.stringify(reply)] });
  const listeners = new Set<(message: Arrived) => void>();
  let messageId = 1;

  const telegramUrl = await listen(async (request, body, response) => {
    const method = request.url?.split('/').at(-1);
    if (method === 'sendMessage') {
      const said = JSON.parse(body.toString('utf8')) as { chat_id: number; text: string };
      for (const tell of listeners) tell({ chat: said.chat_id, text: said.text });
      const result = {
        message_id: messageId++,
        date: 1_700_000_000,
        chat: { id: said.chat_id, type: 'private' },
        text: said.text,
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, result }));
    } else if (method === 'sendChatAction') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true,"result":true}');
    } else {
      const answer = await forward(telegram.url, request, body);
      response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.bytes);
    }
  });

  const origin = new URL(model.url).origin;
  let known: Awaited<ReturnType<typeof forward>> | undefined;
  let thinkMs = 0;
  const modelOrigin = await listen(async (request, body, response) => {
    known ??= await forward(origin, request, body);
    if (thinkMs > 0) await pause(thinkMs);
    response.writeHead(known.status, { 'content-type': known.type }).end(known.bytes);
  });

  return {
    telegramUrl,
    telegramToken: telegram.token,
    modelUrl: modelOrigin + new URL(model.url).pathname,
    /** Hears of every message that reaches a customer. */
    onMessage(listener: (message: Arrived) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** How long the model takes; 0 is at once. */
    think(milliseconds: number): void {
      thinkMs = milliseconds;
    },
  };
}
export type OpenWorld = Awaited<ReturnType<typeof openWorld>>;
