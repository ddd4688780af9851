/** The doubles are held to the provider's wire format by the client the product uses. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateText, Output, streamText, type LanguageModel } from 'ai';
import { z } from 'zod';
import { startAnthropicDouble } from './anthropic.ts';
import { startGeminiDouble } from './gemini.ts';
import { inChunks, type ModelDouble } from './model-script.ts';
import { startOpenAiDouble } from './openai.ts';

const openai = await startOpenAiDouble();
const anthropic = await startAnthropicDouble();
const gemini = await startGeminiDouble();
const openaiProvider = createOpenAI({ baseURL: openai.url, apiKey: 'key' });
const anthropicProvider = createAnthropic({ baseURL: anthropic.url, apiKey: 'key' });
const googleProvider = createGoogle({ baseURL: gemini.url, apiKey: 'key' });

const cases: { name: string; double: ModelDouble; model: LanguageModel }[] = [
  { name: 'openai responses', double: openai, model: openaiProvider('gpt-5-mini') },
  { name: 'openai chat completions', double: openai, model: openaiProvider.chat('gpt-4.1') },
  { name: 'anthropic', double: anthropic, model: anthropicProvider('claude-sonnet-4-5') },
  { name: 'anthropic by forced tool', double: anthropic, model: anthropicProvider('claude-3-haiku-20240307') },
  { name: 'gemini', double: gemini, model: googleProvider('gemini-2.5-flash') },
];

const structured = '{"have_enough_information_for_reply":"YES","reply":"Grüße 👋","citations":[]}';
const schema = z.object({
  have_enough_information_for_reply: z.enum(['YES', 'NO']),
  reply: z.string(),
  citations: z.array(z.string()),
});

after(() => Promise.all([openai.close(), anthropic.close(), gemini.close()]));

for (const { name, double, model } of cases) {
  describe(name, () => {
    test('a 429 carries its Retry-After', async () => {
      double.reply({ kind: 'error', status: 429, retryAfterSeconds: 7 });
      await assert.rejects(generateText({ model, prompt: 'hello', maxRetries: 0 }), (error: unknown) => {
        assert.ok(APICallError.isInstance(error));
        assert.equal(error.statusCode, 429);
        assert.equal(error.responseHeaders?.['retry-after'], '7');
        return true;
      });
    });

    test('half a stream, an error inside it and broken JSON all fail', async () => {
      double.reply(
        { kind: 'cut', steps: ['half'] },
        { kind: 'error-in-stream', steps: ['half'] },
        { kind: 'invalid-json' },
      );
      for (let round = 0; round < 3; round += 1) {
        const seen = await drain(model);
        assert.ok(seen.failed, `round ${round} should fail`);
        assert.equal(seen.text, round === 2 ? '' : 'half');
      }
    });

    test('a hanging stream is left when the caller gives up', async () => {
      const givesUp = new AbortController();
      double.reply({ kind: 'hang', steps: ['only this'] });
      const result = streamText({
        model,
        prompt: 'hello',
        abortSignal: givesUp.signal,
        maxRetries: 0,
        onError: () => {},
      });
      for await (const text of result.textStream) {
        assert.equal(text, 'only this');
        givesUp.abort();
      }
      const request = double.requests.at(-1);
      while (!request?.aborted) await new Promise((resolve) => setImmediate(resolve));
    });

    test('streams text in order', async () => {
      double.reply({ kind: 'answer', steps: inChunks('The answer, in pieces.', 5) });
      const seen = await drain(model);
      assert.deepEqual(seen, { text: 'The answer, in pieces.', failed: false });
    });

    test('a structured reply streams and arrives whole', async () => {
      double.reply(
        { kind: 'answer', steps: inChunks(structured, 9, 1) },
        { kind: 'answer', steps: [structured], usage: { input: 42, output: 7 } },
      );
      const options = { model, prompt: 'hello', output: Output.object({ schema }), maxRetries: 0 };
      const result = streamText(options);
      const partials: unknown[] = [];
      for await (const partial of result.partialOutputStream) partials.push(partial);
      assert.ok(partials.length > 2);
      assert.deepEqual(await result.output, JSON.parse(structured));
      const whole = await generateText(options);
      assert.equal(whole.output.reply, 'Grüße 👋');
      assert.equal(whole.usage.inputTokens, 42);
      assert.equal(whole.usage.outputTokens, 7);
    });
  });
}

async function drain(model: LanguageModel): Promise<{ text: string; failed: boolean }> {
  const seen = { text: '', failed: false };
  try {
    const result = streamText({ model, prompt: 'hello', maxRetries: 0, onError: () => {} });
    for await (const part of result.stream) {
      if (part.type === 'text-delta') seen.text += part.text;
      if (part.type === 'error') seen.failed = true;
    }
  } catch {
    seen.failed = true;
  }
  return seen;
}
