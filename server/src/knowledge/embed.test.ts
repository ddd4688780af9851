import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createBundledEmbedder, similarity } from './embed.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-embed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A thread that speaks the embedding protocol but ends whenever `crashes` says so. */
const crashing = (name: string, crashes: string): URL => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads'; import { existsSync, writeFileSync } from 'node:fs';
     const mark = ${JSON.stringify(join(folder, name))};
     parentPort.on('message', ({ id, texts }) => {
       const first = !existsSync(mark); writeFileSync(mark, '');
       if (${crashes}) process.exit(3);
       if (texts.includes('broken')) return parentPort.postMessage({ id, error: 'no vector' });
       parentPort.postMessage({ id, vectors: texts.map((text) => Float32Array.from([text.length])), last: true });
     });`,
  );
  return pathToFileURL(file);
};

describe('the thread', () => {
  test('that dies is started again, and what was under way is tried once more', async () => {
    const embedder = createBundledEmbedder({ workerUrl: crashing('once', 'first') });
    const both = await Promise.all([embedder.embed(['four']), embedder.embed(['threes'])]);
    assert.deepEqual(both, [[[4]], [[6]]]);
    await embedder.close();
  });

  test('that dies again rejects; the next text gets a new one', async () => {
    const embedder = createBundledEmbedder({ workerUrl: crashing('poison', "texts.includes('poison')") });
    await assert.rejects(embedder.embed(['poison']), /ended with code 3/);
    assert.deepEqual(await embedder.embed(['fine']), [[4]]);
    await embedder.close();
  });

  test('that reports an error rejects that request alone', async () => {
    const embedder = createBundledEmbedder({ workerUrl: crashing('error', 'false') });
    const [bad, good] = await Promise.allSettled([embedder.embed(['broken']), embedder.embed(['fine'])]);
    assert.equal(bad.status, 'rejected');
    assert.equal(good.status, 'fulfilled');
    await embedder.close();
    await assert.rejects(embedder.embed(['late']), /closed/);
  });
});

test('the bundled model: 512 dimensions, unit length, near for the like, order kept over batches', async () => {
  const embedder = createBundledEmbedder();
  const [question, like, unlike, empty] = await embedder.embed([
    'How long can I return an item?',
    'The return window is 30 days.',
    'The server listens on a port.',
    '',
  ]);
  assert.ok(question && like && unlike && empty);
  assert.equal(question.length, 512);
  assert.ok(Math.abs(similarity(question, question) - 1) < 1e-3);
  assert.ok(similarity(question, like) > similarity(question, unlike) + 0.2);
  const many = await embedder.embed(
    Array.from({ length: 120 }, (_, at) => (at === 117 ? 'How long can I return an item?' : `number ${at}`)),
  );
  assert.equal(many.length, 120);
  assert.ok(similarity(many[117] ?? [], question) > 0.999);
  await embedder.close();
});
