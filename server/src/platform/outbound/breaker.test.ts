import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createOutbound, HttpStatusError, OutboundTimeoutError, readRetryAfter } from './breaker.ts';
import { AppError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';

const once = { timeoutMs: 5_000, attempts: 1 };

const setUp = (context: TestContext) => {
  context.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const metrics = createMetrics({ defaults: false });
  const outbound = createOutbound({ log: createLogger({ level: 'silent' }), metrics, backoffMs: 1 });
  const answer = (status: number, target = 'platform') =>
    outbound.call(
      target,
      async () => {
        if (status >= 400) throw new HttpStatusError(status);
        return status;
      },
      once,
    );
  const fail = async (times: number, status = 500): Promise<void> => {
    for (let count = 0; count < times; count += 1) await assert.rejects(answer(status), HttpStatusError);
  };
  const pass = (milliseconds: number) => context.mock.timers.tick(milliseconds);
  const refused = (target = 'platform') =>
    assert.rejects(answer(200, target), (error) => error instanceof AppError && error.status === 503);
  return { outbound, metrics, answer, fail, pass, refused, state: () => outbound.report()['platform']?.state };
};

test('five failures in 30 s open the breaker: the target is not called, others are', async (context) => {
  const { outbound, answer, fail, refused, state, metrics } = setUp(context);
  await fail(4);
  assert.equal(state(), 'closed');
  await fail(1);
  assert.equal(state(), 'open');
  await refused();
  let called = false;
  await assert.rejects(
    outbound.call('platform', async () => void (called = true), once),
    { retryAfter: 60 },
  );
  assert.equal(called, false);
  assert.equal(await answer(200, 'other'), 200);
  assert.match((await metrics.render()).body, /parley_breaker_state\{target="platform"\} 2/);
});

test('five failures over more than 30 s do not open it', async (context) => {
  const { fail, pass, state } = setUp(context);
  for (let count = 0; count < 12; count += 1) {
    await fail(1);
    pass(8_000);
  }
  assert.equal(state(), 'closed');
});

test('a busy target with a failure now and then stays closed; when it dies it opens at once', async (context) => {
  const { answer, fail, state } = setUp(context);
  for (let count = 0; count < 20; count += 1) {
    await fail(1);
    for (let good = 0; good < 4; good += 1) await answer(200);
  }
  assert.equal(state(), 'closed');
  for (let good = 0; good < 100; good += 1) await answer(200);
  await fail(5);
  assert.equal(state(), 'open');
});

test('after 60 s one call decides: failure opens again, success closes', async (context) => {
  const { answer, fail, pass, refused, state } = setUp(context);
  await fail(5);
  pass(59_999);
  await refused();
  pass(1);
  assert.equal(state(), 'half-open');
  await fail(1);
  assert.equal(state(), 'open');
  await refused();
  pass(60_000);
  assert.equal(await answer(200), 200);
  assert.equal(state(), 'closed');
  await fail(4);
  assert.equal(state(), 'closed', 'the failures before are forgotten');
});

test('calls from before that fail late, while it is open, do not count after it closed', async (context) => {
  const { outbound, answer, fail, pass, state } = setUp(context);
  const { promise, reject } = Promise.withResolvers<string>();
  const slow = Promise.allSettled(Array.from({ length: 4 }, () => outbound.call('platform', () => promise, once)));
  await fail(5);
  pass(50_000);
  reject(new HttpStatusError(504));
  await slow;
  pass(10_000);
  await answer(200);
  await fail(1);
  assert.equal(state(), 'closed');
});

test('half-open lets one call through; the others wait for its verdict', async (context) => {
  const { outbound, fail, pass } = setUp(context);
  await fail(5);
  pass(60_000);
  const { promise, reject } = Promise.withResolvers<string>();
  let calls = 0;
  const work = (): Promise<string> => {
    calls += 1;
    return promise;
  };
  const all = Array.from({ length: 5 }, () => outbound.call('platform', work, once));
  reject(new HttpStatusError(503));
  const results = await Promise.allSettled(all);
  assert.equal(calls, 1);
  assert.ok(results.every((result) => result.status === 'rejected'));
});

test('a trial the caller breaks off does not close the breaker', async (context) => {
  const { outbound, fail, pass, state } = setUp(context);
  await fail(5);
  pass(60_000);
  const stop = new AbortController();
  const trial = outbound.call('platform', () => new Promise(() => {}), { ...once, signal: stop.signal });
  stop.abort(new Error('taken over'));
  await assert.rejects(trial, { message: 'taken over' });
  assert.equal(state(), 'open');
});

test('what is our own fault opens nothing and is not tried again: 4xx, bugs, a caller who stops', async (context) => {
  const { outbound, fail, state } = setUp(context);
  await fail(20, 404);
  await fail(20, 429);
  let tries = 0;
  for (const error of [new HttpStatusError(400), new TypeError('bug'), new SyntaxError('JSON')]) {
    const work = async (): Promise<never> => {
      tries += 1;
      throw error;
    };
    for (let count = 0; count < 6; count += 1) {
      await assert.rejects(outbound.call('platform', work, { timeoutMs: 5_000 }), error);
    }
  }
  assert.equal(tries, 18);
  for (let count = 0; count < 6; count += 1) {
    const signal = AbortSignal.abort(new Error('stopped'));
    await assert.rejects(
      outbound.call('platform', async () => 1, { ...once, signal }),
      { message: 'stopped' },
    );
  }
  assert.equal(state(), 'closed');
});

const failing = (errors: unknown[]) => {
  const seen = { tries: 0 };
  const work = async (): Promise<string> => {
    const error = errors[seen.tries];
    seen.tries += 1;
    if (error !== undefined) throw error;
    return 'done';
  };
  return { seen, work };
};

test('5xx, 429 and network failures are tried again, three times unless told', async (context) => {
  const { outbound } = setUp(context);
  const reset = new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
  const model = Object.assign(new Error('overloaded'), { statusCode: 529 });
  for (const error of [new HttpStatusError(502), new HttpStatusError(429), reset, model]) {
    const { seen, work } = failing([error, error]);
    assert.equal(await outbound.call(String(error), work, { timeoutMs: 5_000 }), 'done');
    assert.equal(seen.tries, 3);
    const never = failing([error, error, error, error]);
    await assert.rejects(outbound.call(`never ${String(error)}`, never.work, { timeoutMs: 5_000 }), error);
    assert.equal(never.seen.tries, 3);
  }
});

test('one attempt means one; retryOn decides otherwise', async (context) => {
  const { outbound } = setUp(context);
  const stream = failing([new HttpStatusError(500)]);
  await assert.rejects(outbound.call('a', stream.work, once), HttpStatusError);
  assert.equal(stream.seen.tries, 1);
  const unsafe = failing([new HttpStatusError(500)]);
  await assert.rejects(outbound.call('b', unsafe.work, { timeoutMs: 5_000, retryOn: () => false }), HttpStatusError);
  assert.equal(unsafe.seen.tries, 1);
});

test('a long Retry-After is handed to the caller instead of being slept through', async (context) => {
  const { outbound } = setUp(context);
  const { seen, work } = failing([new HttpStatusError(429, '', 3_600)]);
  await assert.rejects(outbound.call('a', work, { timeoutMs: 5_000 }), { status: 429, retryAfterSeconds: 3_600 });
  assert.equal(seen.tries, 1);
});

// The wait would be 9 s: the limit turns sleeping through it into a failure.
test('a caller who stops during the wait is not kept waiting', { timeout: 8_000 }, async (context) => {
  const { outbound } = setUp(context);
  const stop = new AbortController();
  const work = async (): Promise<never> => {
    setImmediate(() => stop.abort(new Error('stopped')));
    throw new HttpStatusError(429, '', 9);
  };
  const call = outbound.call('a', work, { timeoutMs: 5_000, signal: stop.signal });
  await assert.rejects(call, { message: 'stopped' });
});

test('work that ignores its signal is given up, its signal fires, and the silence counts as failure', async (context) => {
  const { outbound, state } = setUp(context);
  for (let count = 0; count < 5; count += 1) {
    let fired = false;
    const work = (signal: AbortSignal): Promise<never> => {
      signal.addEventListener('abort', () => (fired = true));
      return new Promise(() => {});
    };
    await assert.rejects(outbound.call('platform', work, { timeoutMs: 5, attempts: 1 }), OutboundTimeoutError);
    assert.equal(fired, true);
  }
  assert.equal(state(), 'open');
});

test('on the wire: a refused connection, a hanging server and a server that recovers', async (context) => {
  const { outbound } = setUp(context);
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    if (request.url === '/hang') return;
    response.writeHead(requests < 3 ? 503 : 200, { 'retry-after': '0' }).end('body');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const get = (path: string) => async (signal: AbortSignal) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
    const text = await response.text();
    if (response.ok) return text;
    throw new HttpStatusError(response.status, text, readRetryAfter(response.headers.get('retry-after')));
  };
  assert.equal(await outbound.call('a', get('/'), { timeoutMs: 5_000 }), 'body');
  assert.equal(requests, 3);
  await assert.rejects(outbound.call('b', get('/hang'), { timeoutMs: 30, attempts: 1 }), OutboundTimeoutError);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  for (let count = 0; count < 5; count += 1) {
    // Nothing listens on port 1; fetch itself refuses to try it, hence the bare socket.
    const work = (): Promise<never> => new Promise((_, reject) => connect(1, '127.0.0.1').on('error', reject));
    await assert.rejects(outbound.call('c', work, once), { code: 'ECONNREFUSED' });
  }
  assert.equal(outbound.report()['c']?.state, 'open');
});

test('Retry-After is read as seconds or as a date, and nonsense is nothing', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(readRetryAfter('7', now), 7);
  assert.equal(readRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30);
  assert.equal(readRetryAfter('Thu, 01 Jan 2020 00:00:30 GMT', now), 0);
  for (const header of ['soon', '-5x', '', null, undefined]) assert.equal(readRetryAfter(header, now), undefined);
});
