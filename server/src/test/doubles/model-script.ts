/**
 * What the doubles of the model providers have in common: a script of replies, one a request, and the faults a
 * provider shows. Each provider's file only maps these to its wire format.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { answerJson, startHttpDouble, type DoubleRequest } from './http-double.ts';

/** A step of a streamed answer: text to send, milliseconds to pause, or something to wait for (a test's gate). */
export type ModelStep = string | number | Promise<unknown>;

export type ModelReply =
  /** the whole answer; `finish: 'length'` says the provider cut it */
  | { kind: 'answer'; steps: ModelStep[]; finish?: 'stop' | 'length'; usage?: { input: number; output: number } }
  /** an HTTP error; 429 usually with `retryAfterSeconds` */
  | { kind: 'error'; status: number; message?: string; retryAfterSeconds?: number }
  /** HTTP 200, these steps, then the provider's own error event inside the stream */
  | { kind: 'error-in-stream'; steps: ModelStep[]; message?: string }
  /** HTTP 200, these steps, then the socket is cut */
  | { kind: 'cut'; steps: ModelStep[] }
  /** HTTP 200, these steps, then silence until the caller gives up */
  | { kind: 'hang'; steps?: ModelStep[] }
  /** HTTP 200 whose body (or event) is not JSON */
  | { kind: 'invalid-json' };

export type ModelRequest = {
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  /** the caller went away before the answer was complete (filled in later) */
  aborted: boolean;
};

export type ModelDouble = {
  /** the base URL a client is configured with */
  url: string;
  /** every request, in order of arrival */
  requests: ModelRequest[];
  /** Queues replies, one a request. */
  reply(...replies: ModelReply[]): void;
  /** What is answered when the queue is empty; the default is a 500 that says nothing was scripted. */
  otherwise(reply: ModelReply | ((request: ModelRequest) => ModelReply)): void;
  close(): Promise<void>;
};

/** Text cut into pieces of `size` UTF-16 units, as a provider's tokens arrive. */
export function inChunks(text: string, size = 12, delayMs = 0): ModelStep[] {
  const steps: ModelStep[] = [];
  for (let at = 0; at < text.length; at += size) {
    if (delayMs > 0 && at > 0) steps.push(delayMs);
    steps.push(text.slice(at, at + size));
  }
  return steps;
}

/** One line of an event stream: `name` is left out where the provider sends none. */
export type StreamEvent = { name?: string; data: unknown };

export type AnswerContext = {
  request: ModelRequest;
  finish: 'stop' | 'length';
  usage: { input: number; output: number };
};

/** A provider's wire format. The functions are pure. */
export type ModelWire = {
  basePath: string;
  streams(request: ModelRequest): boolean;
  opening(context: AnswerContext): StreamEvent[];
  delta(context: AnswerContext, text: string): StreamEvent[];
  closing(context: AnswerContext, whole: string): StreamEvent[];
  failure(message: string): StreamEvent;
  whole(context: AnswerContext, text: string): unknown;
  errorBody(status: number, message: string): unknown;
  /** answers paths beside the model's own (embeddings); undefined when the path is the model's */
  other?(request: ModelRequest): unknown;
};

export async function startModelDouble(wire: ModelWire): Promise<ModelDouble> {
  const queue: ModelReply[] = [];
  const requests: ModelRequest[] = [];
  let fallback: ModelReply | ((request: ModelRequest) => ModelReply) = {
    kind: 'error',
    status: 500,
    message: 'no reply was scripted',
  };
  const server = await startHttpDouble(async (raw, response) => {
    const request = toModelRequest(raw);
    const other = wire.other?.(request);
    if (other !== undefined) return answerJson(response, 200, other);
    requests.push(request);
    response.on('close', () => {
      request.aborted = !response.writableFinished;
    });
    const reply = queue.shift() ?? (typeof fallback === 'function' ? fallback(request) : fallback);
    await play(wire, request, reply, response);
  });
  return {
    url: server.url + wire.basePath,
    requests,
    reply: (...replies) => void queue.push(...replies),
    otherwise: (reply) => {
      fallback = reply;
    },
    close: server.close,
  };
}

async function play(
  wire: ModelWire,
  request: ModelRequest,
  reply: ModelReply,
  response: ServerResponse,
): Promise<void> {
  if (reply.kind === 'error') {
    const headers: Record<string, string> =
      reply.retryAfterSeconds === undefined ? {} : { 'retry-after': String(reply.retryAfterSeconds) };
    const message = reply.message ?? `scripted error ${reply.status}`;
    return answerJson(response, reply.status, wire.errorBody(reply.status, message), headers);
  }
  const steps = reply.kind === 'invalid-json' ? [] : (reply.steps ?? []);
  const context: AnswerContext = {
    request,
    finish: (reply.kind === 'answer' && reply.finish) || 'stop',
    usage: (reply.kind === 'answer' && reply.usage) || { input: 100, output: 20 },
  };
  const streams = wire.streams(request);
  const write = (event: StreamEvent): void => {
    const name = event.name === undefined ? '' : `event: ${event.name}\n`;
    response.write(`${name}data: ${typeof event.data === 'string' ? event.data : JSON.stringify(event.data)}\n\n`);
  };
  if (streams) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.flushHeaders();
    if (reply.kind !== 'invalid-json') wire.opening(context).forEach(write);
  }

  let whole = '';
  for (const step of steps) {
    if (response.destroyed) return;
    if (typeof step === 'number') await pause(step);
    else if (typeof step === 'string') {
      whole += step;
      if (streams) wire.delta(context, step).forEach(write);
    } else await step;
  }

  if (reply.kind === 'hang') return;
  if (reply.kind === 'cut') {
    // What was written must leave first: the fault under test is half an answer, not none.
    if (streams) await new Promise<void>((resolve) => response.write(': cut\n\n', () => resolve()));
    return void response.destroy();
  }
  if (!streams) {
    if (reply.kind === 'invalid-json') {
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"broken": ');
    }
    if (reply.kind === 'error-in-stream') {
      return answerJson(response, 500, wire.errorBody(500, reply.message ?? 'scripted error'));
    }
    return answerJson(response, 200, wire.whole(context, whole));
  }
  if (reply.kind === 'invalid-json') write({ data: '{"broken": ' });
  else if (reply.kind === 'error-in-stream') write(wire.failure(reply.message ?? 'scripted error'));
  else wire.closing(context, whole).forEach(write);
  response.end();
}

function toModelRequest(raw: DoubleRequest): ModelRequest {
  const parsed: unknown = raw.rawBody.length > 0 ? JSON.parse(raw.rawBody.toString('utf8')) : {};
  const body = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  return { path: raw.path, headers: raw.headers, body, aborted: false };
}
