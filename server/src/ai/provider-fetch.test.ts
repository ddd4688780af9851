import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, describe, test } from 'node:test';
import { createOutbound } from '../platform/outbound/breaker.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { until } from '../test/until.ts';
import { startHttpDouble } from '../test/doubles/http-double.ts';
import { createAnswerer } from './answer.ts';
import { ModelFailure } from './failures.ts';
import { chooseModel } from './providers.ts';
import { searchTerms } from './terms.ts';

/** What stands behind this server and must never be called: it would answer anything. */
const inside: string[] = [];
const privateServer = await startHttpDouble(async (request, response) => {
  inside.push(request.path);
  response.end('{}');
});
let answerWith: (response: ServerResponse) => void = (response) => response.end();
let asked = 0;
let closed = 0;
const provider = await startHttpDouble(async (_request, response) => {
  asked += 1;
  response.on('close', () => (closed += 1));
  answerWith(response);
});
after(() => Promise.all([privateServer.close(), provider.close()]));

const own = { apiKey: 'key', baseUrl: `${provider.url}/v1` };
const settings = { openai: own, anthropic: own, google: own };
const names = ['openai/gpt-double', 'anthropic/claude-double', 'google/gemini-double'];

const ask = async (name: string): Promise<ModelFailure> => {
  const outbound = createOutbound({ log: createLogger({ level: 'silent' }) });
  const embedder = {
    model: 'none',
    dimensions: 1,
    embed: () => Promise.reject(new Error('not asked')),
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const answer = createAnswerer({ embedder, outbound, backoffMs: 1 });
  const error: unknown = await answer(
    {
      workspaceId: '0198a000-0000-7000-8000-000000000003',
      model: chooseModel(name, settings),
      bot: { name: 'Ada', systemPrompt: '', temperature: 0 },
      question: 'How long?',
      history: [],
      passages: [],
      terms: [],
    },
    () => undefined,
  ).then(
    () => assert.fail('it should have failed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ModelFailure, String(error));
  return error;
};

/** Writes for as long as somebody reads. */
const endless = (head: Record<string, string>, first: string, piece: string) => (response: ServerResponse) => {
  response.writeHead(200, head);
  response.write(first);
  const more = (): void => {
    if (response.destroyed) return;
    response.write(piece, () => setImmediate(more));
  };
  more();
};

for (const name of names) {
  describe(name, () => {
    for (const status of [301, 302, 307, 308]) {
      test(`a redirect (${status}) into the private network is refused, at once and in words`, async () => {
        answerWith = (response) =>
          response.writeHead(status, { location: `${privateServer.url}/latest/meta-data` }).end();
        const before = asked;
        const error = await ask(name);
        assert.equal(error.kind, 'rejected');
        assert.match(error.message, /another address/);
        assert.equal(asked, before + 1, 'a redirect is not tried again');
        assert.deepEqual(inside, []);
      });
    }

    test('an event that never ends is not read to its end', async () => {
      answerWith = endless({ 'content-type': 'text/event-stream' }, 'data: {"a":"', 'x'.repeat(65_536));
      const before = asked;
      const error = await ask(name);
      assert.equal(error.kind, 'invalid');
      assert.equal(asked, before + 3);
      await until(async () => closed >= asked, 'every attempt was given up');
    });
  });
}

test('an answer that never ends costs the search terms nothing but time', async () => {
  answerWith = endless({ 'content-type': 'application/json' }, '{"output":"', 'x'.repeat(65_536));
  const chosen = chooseModel(names[0] ?? '', settings);
  assert.ok(chosen.kind === 'language');
  const outbound = createOutbound({ log: createLogger({ level: 'silent' }) });
  const question = 'I bought a pair of shoes last month and now I would really like to send them back, how?';
  const found = await searchTerms({
    question,
    history: [],
    with: { model: chosen.model, target: chosen.target, outbound },
  });
  assert.equal(found.from, 'question');
});
