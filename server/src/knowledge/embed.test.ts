import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createBundledEmbedder, cutForModel, LONGEST_TEXT, similarity, type EmbedTurn } from './embed.ts';

const turn: EmbedTurn = { workspaceId: 'a', purpose: 'question' };

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
       parentPort.postMessage({ id, vectors: texts.map((text) => Float32Array.from([text.length])) });
     });`,
  );
  return pathToFileURL(file);
};

describe('the thread', () => {
  test('that dies is started again, and what was under way is tried once more', async () => {
    const embedder = createBundledEmbedder({ workerUrl: crashing('once', 'first') });
    const both = await Promise.all([embedder.embed(['four'], turn), embedder.embed(['threes'], turn)]);
    assert.deepEqual(both, [[[4]], [[6]]]);
    await embedder.close();
  });

  test('that dies again rejects; the next text gets a new one', async () => {
    const embedder = createBundledEmbedder({ workerUrl: crashing('poison', "texts.includes('poison')") });
    await assert.rejects(embedder.embed(['poison'], turn), /ended with code 3/);
    assert.deepEqual(await embedder.embed(['fine'], turn), [[4]]);
    await embedder.close();
  });

  test('that reports an error rejects that request alone', async () => {
    const embedder = createBundledEmbedder({ workerUrl: crashing('error', 'false') });
    const [bad, good] = await Promise.allSettled([embedder.embed(['broken'], turn), embedder.embed(['fine'], turn)]);
    assert.equal(bad.status, 'rejected');
    assert.equal(good.status, 'fulfilled');
    await embedder.close();
    await assert.rejects(embedder.embed(['late'], turn), /closed/);
  });
});

test('the bundled model: 512 dimensions, unit length, near for the like, order kept over batches', async () => {
  const embedder = createBundledEmbedder();
  const [question, like, unlike, empty] = await embedder.embed(
    ['How long can I return an item?', 'The return window is 30 days.', 'The server listens on a port.', ''],
    turn,
  );
  assert.ok(question && like && unlike && empty);
  assert.equal(question.length, 512);
  assert.ok(Math.abs(similarity(question, question) - 1) < 1e-3);
  assert.ok(similarity(question, like) > similarity(question, unlike) + 0.2);
  const many = await embedder.embed(
    Array.from({ length: 120 }, (_, at) => (at === 117 ? 'How long can I return an item?' : `number ${at}`)),
    turn,
  );
  assert.equal(many.length, 120);
  assert.ok(similarity(many[117] ?? [], question) > 0.999);
  await embedder.close();
});

test("a question waits for one piece of another workspace's files, and a small file does not wait for a large one", async () => {
  const file = join(folder, 'counting.mjs');
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';
     let asked = 0;
     parentPort.on('message', ({ id, texts }) => {
       asked += 1;
       parentPort.postMessage({ id, vectors: texts.map(() => Float32Array.from([asked])) });
     });`,
  );
  const embedder = createBundledEmbedder({ workerUrl: pathToFileURL(file) });
  const passages = (name: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${name} ${at} `.padEnd(900, 'words '));
  const large = embedder.embed(passages('large', 60), { workspaceId: 'a', purpose: 'ingest' });
  const small = embedder.embed(passages('small', 2), { workspaceId: 'b', purpose: 'ingest' });
  const [[question], [first, second], many] = await Promise.all([
    embedder.embed(['How long may I return things?'], { workspaceId: 'c', purpose: 'question' }),
    small,
    large,
  ]);
  assert.ok((question?.[0] ?? 99) <= 2, `the question came ${question?.[0]}.`);
  assert.ok(
    (first?.[0] ?? 99) <= 4 && (second?.[0] ?? 99) <= 6,
    `the small file came ${first?.[0]}. and ${second?.[0]}.`,
  );
  assert.equal(many.at(-1)?.[0], 63, 'one passage is one piece');
  await embedder.close();
});

test('the model is shown no more than it reads, however long the text and whatever it becomes', async () => {
  assert.equal(cutForModel('ordinary text'), 'ordinary text');
  for (const letter of ['a', '\ufdfa', 'e\u0301\u0323', '👩🏽‍💻', ' '])
    assert.ok(cutForModel(letter.repeat(40_000)).length <= LONGEST_TEXT, letter);
  const embedder = createBundledEmbedder();
  const sentence = (at: number) => `You may return item number ${at} within thirty days of its delivery. `;
  const text = Array.from({ length: 600 }, (_, at) => sentence(at)).join('');
  const [long, cut] = await embedder.embed([text, text.slice(0, 900)], turn);
  assert.ok(text.length > 40_000);
  assert.ok(similarity(long ?? [], cut ?? []) > 0.9999);
  await embedder.close();
});
