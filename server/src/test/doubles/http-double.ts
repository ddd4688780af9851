/**
 * The bare HTTP server under every double: a free port on loopback, the body read whole, connections that can be cut.
 * A double speaks a platform's protocol at the wire, so the product runs its real client code against it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type DoubleRequest = {
  method: string;
  /** path without the query */
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  rawBody: Buffer;
};

export type HttpDouble = { url: string; close(): Promise<void> };

/** A handler that throws answers 599: no platform says it, so a broken double is never taken for a platform's fault. */
export async function startHttpDouble(
  handle: (request: DoubleRequest, response: ServerResponse, incoming: IncomingMessage) => Promise<void>,
): Promise<HttpDouble> {
  const server = createServer((incoming, response) => {
    response.on('error', () => incoming.destroy());
    readBody(incoming)
      .then((rawBody) => handle(describe(incoming, rawBody), response, incoming))
      .catch((error: unknown) => {
        if (response.destroyed) return;
        if (response.headersSent) return void response.destroy();
        response.writeHead(599, { 'content-type': 'text/plain' }).end(`double failed: ${String(error)}`);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function describe(incoming: IncomingMessage, rawBody: Buffer): DoubleRequest {
  const url = new URL(incoming.url ?? '/', 'http://double');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { method: incoming.method ?? 'GET', path: url.pathname, query: url.searchParams, headers, rawBody };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
